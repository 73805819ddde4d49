"""The terminal that the service was started from, if any."""

import os


class Terminal:
    """Tells a SIGHUP that asks for a reload from one that says that the terminal was closed."""

    def __init__(self) -> None:
        self._was_there = _is_there()

    def is_gone(self) -> bool:
        """Whether there was a terminal at the start, and is none any more."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        descriptor = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    os.close(descriptor)
    return True
