"""The file of a SQLite database, and whether a connection still has the named file open.

A file that is removed or replaced stays open in the processes that use it. Their commits succeed,
but the data is lost when the last of these processes ends. The same holds for the write-ahead log
beside the file.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bitrecall.events.errors import EventsSchemaError, EventsUnavailableError

# Device and inode of a file, None if no file has the name.
FileId = tuple[int, int] | None

_LOG_SUFFIXES: Final = ("-wal", "-shm")


def file_id(path: Path) -> FileId:
    """Return device and inode of the file that a path names, following links."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


@dataclass(frozen=True)
class OpenFiles:
    """The files that a connection has open.

    Attributes:
        main: the database.
        logs: the write-ahead log and its index.
    """

    main: FileId
    logs: tuple[FileId, ...]


class SqliteFile:
    """A database file, named by its absolute path.

    Args:
        path: absolute, or relative to the current working directory.

    Attributes:
        path: absolute path.
        must_exist: whether connecting fails instead of creating the file.
        was_open: whether this process has found valid tables in it before.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).absolute()
        self.must_exist = False
        self.was_open = False
        # The file whose log was removed while it was open, and the message about it.
        self._lost_log: tuple[FileId, str] | None = None

    def uri(self) -> str:
        """Return the URI for SQLite to connect to.

        Raises:
            EventsSchemaError: the file must exist, does not, and never did for this process.
            EventsUnavailableError: the file has disappeared, is empty, or has lost its log.
        """
        if self._lost_log is not None and file_id(self.path) == self._lost_log[0]:
            raise EventsUnavailableError(self._lost_log[1])
        if not self.must_exist:
            return f"file:{quote(str(self.path))}?mode=rwc"
        try:
            size = self.path.stat().st_size
        except OSError:
            if self.was_open:
                raise EventsUnavailableError(self._removed()) from None
            raise EventsSchemaError(
                f"events database not found: {self.path}; 'bitrecall events migrate' creates it"
            ) from None
        if self.was_open and size == 0:
            # A copy to this path may be in progress.
            raise EventsUnavailableError(f"{self.path} was replaced by an empty file")
        return f"file:{quote(str(self.path))}?mode=rw"

    def _removed(self) -> str:
        return f"{self.path} was removed or moved: put it back, or restart to create a new one"

    def open_files(self) -> OpenFiles:
        """Return the files that the path names now; call it directly after connecting."""
        logs = tuple(file_id(self._log_path(suffix)) for suffix in _LOG_SUFFIXES)
        return OpenFiles(file_id(self.path), logs)

    def lost_log(self, opened: OpenFiles) -> bool:
        """Return whether the log was removed or replaced, but not the file itself.

        Processes with the old log, or its index, and processes with a new one do not see each
        other's locks and overwrite each other's events. Once this is detected, ``uri`` therefore
        refuses all connections to the file until the process is restarted.
        """
        current = self.open_files()
        if current == opened or current.main is None or current.main != opened.main:
            return False
        self._lost_log = current.main, str(self.fault(opened))
        return True

    def has_other_log(self, opened: OpenFiles) -> bool:
        """Return whether another log was created, which the old one must not be written over."""
        current = self.open_files()
        return current.main == opened.main and any(
            after not in (None, before)
            for before, after in zip(opened.logs, current.logs, strict=True)
        )

    def drop_log(self, opened: OpenFiles) -> None:
        """Remove the log of a file that was replaced, before it is read with the new file."""
        current = self.open_files()
        if current.main == opened.main:
            return
        for suffix, before, after in zip(_LOG_SUFFIXES, opened.logs, current.logs, strict=True):
            if before is not None and before == after:
                self._log_path(suffix).unlink(missing_ok=True)

    def _log_path(self, suffix: str) -> Path:
        # SQLite puts the log beside the file itself, not beside a link to it.
        real = Path(os.path.realpath(self.path))
        return real.with_name(real.name + suffix)

    def fault(self, opened: OpenFiles) -> str | None:
        """Return why a connection's writes would not reach the named file; None if they would."""
        current = self.open_files()
        if current == opened:
            return None
        if current.main is None:
            return self._removed()
        if current.main != opened.main:
            return f"{self.path} was replaced by another file"
        for suffix, before, after in zip(_LOG_SUFFIXES, opened.logs, current.logs, strict=True):
            if before != after:
                return (
                    f"{self.path.name}{suffix} was removed or replaced beside {self.path} while "
                    "it was in use: stop all processes that use the file, then start them again"
                )
        return None
