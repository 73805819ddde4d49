"""Telling the other workers of this machine that there are new events."""

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
    """A number that rises whenever events have become durable, shared through a mapped file.

    Looking at it costs a fraction of a microsecond, so that every request can.

    Args:
        path: a file of its size, of which whoever made it says where it is.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._map = mmap.mmap(self._descriptor, _SIZE)

    @classmethod
    def private(cls) -> Self:
        """One that nobody else knows of."""
        path = make_wakeup_file()
        wakeup = cls(path)
        path.unlink()
        return wakeup

    @property
    def value(self) -> int:
        """The number now."""
        return int(struct.unpack_from(_FORMAT, self._map)[0])

    def notify(self) -> None:
        """Raise the number by one."""
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            struct.pack_into(_FORMAT, self._map, 0, self.value + 1)
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        os.close(self._descriptor)


def make_wakeup_file(folder: Path | None = None) -> Path:
    """A new file for a signal, that only this user can open; a temporary one without a folder."""
    descriptor, name = tempfile.mkstemp(prefix="bitrecall-", dir=folder)
    try:
        os.write(descriptor, bytes(_SIZE))
    finally:
        os.close(descriptor)
    return Path(name)
