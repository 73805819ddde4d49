"""The file of a SQLite database: whether it is still the one that a connection has open.

A file that is removed or replaced stays open. Commits to it succeed, and what they write is gone
with the last process that has it open. The same holds for the write-ahead log beside it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bitrecall.events.errors import EventsSchemaError, EventsUnavailableError

# Device and inode of a file, None if there is none of the name.
Identity = tuple[int, int] | None

_SIDES: Final = ("-wal", "-shm")

# File systems that other machines can write to as well, as /proc/self/mountinfo names them.
_SHARED: Final = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "9p", "ceph", "gpfs", "lustre"),
        *("ocfs2", "gfs2", "glusterfs", "beegfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph"),
        *("fuse.ceph-fuse", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.mfs", "vboxsf"),
        *("fuse.smbnetfs", "fuse.juicefs", "fuse.seaweedfs", "fuse.vmhgfs-fuse", "prl_fs"),
    }
)


def identity_of(path: Path) -> Identity:
    """Device and inode of what a path names, links followed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@dataclass(frozen=True)
class OpenFiles:
    """The files that a connection has open.

    Attributes:
        main: of the database.
        sides: of the write-ahead log and of its index.
    """

    main: Identity
    sides: tuple[Identity, ...]


class SqliteFile:
    """A database file, named by its absolute path.

    Args:
        path: as it was given; a relative one counts from the current working directory.

    Attributes:
        path: absolute.
        must_exist: whether connecting makes no file.
        was_open: whether its tables were ever found to be ours.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.must_exist = False
        self.was_open = False
        # The file whose log was removed while it was open, and what to say of it.
        self._without_log: tuple[Identity, str] | None = None

    def uri(self) -> str:
        """What SQLite connects to. Raises EventsError if that cannot be, or must not."""
        if self._without_log is not None and identity_of(self.path) == self._without_log[0]:
            raise EventsUnavailableError(self._without_log[1])
        if not self.must_exist:
            return f"file:{quote(str(self.path))}?mode=rwc"
        try:
            size = self.path.stat().st_size
        except OSError:
            if self.was_open:
                raise EventsUnavailableError(self._missing()) from None
            raise EventsSchemaError(
                f"there is no events database at {self.path}: 'bitrecall events migrate' makes one"
            ) from None
        if self.was_open and size == 0:
            # It may be on its way here.
            raise EventsUnavailableError(f"{self.path} was replaced by an empty file")
        return f"file:{quote(str(self.path))}?mode=rw"

    def _missing(self) -> str:
        return (
            f"{self.path} was removed or moved away: put it back, or start again to begin a new one"
        )

    def open_files(self) -> OpenFiles:
        """The files of the name now, to be asked for right after connecting."""
        sides = tuple(identity_of(self._side(side)) for side in _SIDES)
        return OpenFiles(identity_of(self.path), sides)

    def is_without_log(self, opened: OpenFiles) -> bool:
        """Whether the log of a file was removed or replaced, and the file itself was not.

        Processes that still have the old log, or its index, and such that have a new one do not see
        each other's locks and overwrite each other's events. So once it is seen nothing is written,
        nor connected anew, before the process is started again.
        """
        now = self.open_files()
        if now == opened or now.main is None or now.main != opened.main:
            return False
        self._without_log = now.main, str(self.fault(opened))
        return True

    def has_other_log(self, opened: OpenFiles) -> bool:
        """Whether somebody has made another log, with which ours must not be mixed any more."""
        now = self.open_files()
        return now.main == opened.main and any(
            after not in (None, before)
            for before, after in zip(opened.sides, now.sides, strict=True)
        )

    def drop_log(self, opened: OpenFiles) -> None:
        """Remove the log of a file that has lost its name, before another one is read with it."""
        now = self.open_files()
        if now.main == opened.main:
            return
        for side, before, after in zip(_SIDES, opened.sides, now.sides, strict=True):
            if before is not None and before == after:
                self._side(side).unlink(missing_ok=True)

    def _side(self, side: str) -> Path:
        # SQLite puts its log beside the file itself, not beside a link to it.
        real = Path(os.path.realpath(self.path))
        return real.with_name(real.name + side)

    def fault(self, opened: OpenFiles) -> str | None:
        """Why what a connection writes would not be in the file of the name; None if it would."""
        now = self.open_files()
        if now == opened:
            return None
        if now.main is None:
            return self._missing()
        if now.main != opened.main:
            return f"{self.path} was replaced by another file"
        for side, before, after in zip(_SIDES, opened.sides, now.sides, strict=True):
            if before != after:
                return (
                    f"{self.path.name}{side} was removed or replaced beside {self.path} while it "
                    "was in use: stop all that use the file, then start them again"
                )
        return None


def shared_file_system(path: Path, mounts: str | None = None) -> str | None:
    """The type of the file system of a path, if other machines may write to it too.

    SQLite's write-ahead log keeps its index in shared memory, and its locks need those of the file
    system: with several machines both fail, silently.

    Args:
        path: of a file, which need not exist.
        mounts: the text of ``/proc/self/mountinfo``; read if not given.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
        except OSError:
            return None
    real = os.path.realpath(path)
    kind, longest = None, -1
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        # Blanks in names are written as \040, and so on.
        point = _unescaped(fields[4])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        # Of several mounts on one point the last one is seen.
        if inside and len(point) >= longest:
            kind, longest = after.split()[0], len(point)
    return kind if kind in _SHARED else None


def _unescaped(point: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        point = point.replace(code, character)
    return point
