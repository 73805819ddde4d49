"""Notifying the other workers on this machine of new events."""

import fcntl
import mmap
import os
import struct
import tempfile
from pathlib import Path
from typing import Final, Self

_FORMAT: Final = "=Q"
_SIZE: Final = struct.calcsize(_FORMAT)


class Wakeup:
    """A counter that increases whenever events are stored, shared through a memory-mapped file.

    Reading it takes a fraction of a microsecond, so every request can read it.

    Args:
        path: a file created by ``make_wakeup_file``.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._map = mmap.mmap(self._descriptor, _SIZE)

    @classmethod
    def private(cls) -> Self:
        """A wakeup that only this process uses."""
        path = make_wakeup_file()
        wakeup = cls(path)
        path.unlink()
        return wakeup

    @property
    def value(self) -> int:
        """The current value."""
        return int(struct.unpack_from(_FORMAT, self._map)[0])

    def notify(self) -> None:
        """Increase the value by one."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            struct.pack_into(_FORMAT, self._map, 0, self.value + 1)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file."""
        self._map.close()
        os.close(self._descriptor)


def make_wakeup_file(folder: Path | None = None) -> Path:
    """Create a file for a wakeup that only this user can open.

    Args:
        folder: folder of the file; None for the system's temporary folder.
    """
    descriptor, name = tempfile.mkstemp(prefix="bitrecall-", dir=folder)
    try:
        os.write(descriptor, bytes(_SIZE))
    finally:
        os.close(descriptor)
    return Path(name)
