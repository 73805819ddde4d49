"""The terminal that the service was started from, if any."""

import os


class Terminal:
    """Distinguishes a SIGHUP for a reload from one sent because the terminal was closed."""

    def __init__(self) -> None:
        self._existed = _exists()

    def is_gone(self) -> bool:
        """Whether the terminal that existed at the start was closed."""
        return self._existed and not _exists()


def _exists() -> bool:
    try:
        descriptor = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    os.close(descriptor)
    return True
