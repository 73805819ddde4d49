"""Atomic and durable replacement of files, and error messages for full disks."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, ENOSPC
from glob import escape
from pathlib import Path
from typing import IO, Final

__all__ = [
    "disk_fault",
    "is_full",
    "naming",
    "remove_unfinished",
    "replace_file",
    "replacing",
    "sync",
]

_FULL: Final = (ENOSPC, EDQUOT, EFBIG)
_UNFINISHED: Final = ".writing-"


def replace_file(path: Path, content: str | bytes, *, new_mode: int = 0o666) -> None:
    """Replace the content of a file atomically and durably; text is written as UTF-8.

    Args:
        path: the file, which may be new; its folder must exist.
        content: the new content.
        new_mode: permissions of a new file, before the umask. An existing file keeps its
            permissions, and its owner if this process may set it.

    Raises:
        OSError: the file cannot be written. The error names the file, and the old content stays.
    """
    with replacing(path, new_mode=new_mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path, *, new_mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Open a file that replaces ``path`` at the end of the block, unless the block raises an error.

    The content is written to a hidden file in the same folder, which is synced and then renamed.
    Readers see either the old or the new content, even if the process crashes. The next writer
    removes the hidden file of a crashed process. Arguments and errors are those of
    ``replace_file``.
    """
    remove_unfinished(path.parent, path.name)
    with naming(path):
        unfinished, descriptor = _open_unfinished(path, new_mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _keep_permissions(path, descriptor)
                yield file
                file.flush()
                os.fsync(descriptor)
                unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        sync(path.parent)


def remove_unfinished(folder: Path, name: str | None = None) -> None:
    """Remove the hidden files of processes that crashed while replacing files.

    Args:
        folder: the folder to clean.
        name: name of the file to be replaced; None for any.
    """
    pattern = f"{_UNFINISHED}*" if name is None else f"{_UNFINISHED}{escape(name)}-*"
    for unfinished in folder.glob(pattern):
        with suppress(OSError):
            descriptor = os.open(unfinished, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                # A running writer has the lock.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                unfinished.unlink()
            finally:
                os.close(descriptor)


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open_unfinished(path: Path, mode: int) -> tuple[Path, int]:
    """Create a hidden file beside ``path`` and lock it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    while True:
        unfinished = path.with_name(f"{_UNFINISHED}{path.name}-{secrets.token_hex(8)}")
        descriptor = os.open(unfinished, flags, mode)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Another process may have removed the file before the lock.
        if os.fstat(descriptor).st_nlink:
            return unfinished, descriptor
        os.close(descriptor)


def _keep_permissions(path: Path, descriptor: int) -> None:
    """Set an open file to the permissions and owner of the file that it will replace."""
    try:
        before = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(before.st_mode):
        return
    now = os.fstat(descriptor)
    if (before.st_uid, before.st_gid) != (now.st_uid, now.st_gid):
        with suppress(PermissionError):
            os.fchown(descriptor, before.st_uid, before.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file name to an OSError raised in the block, if it has none."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        # FAISS raises errors without a number; the reason is in the text.
        number = error.errno or (ENOSPC if os.strerror(ENOSPC) in str(error) else None)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def is_full(error: OSError) -> bool:
    """Return whether the disk, a quota or the limit on file sizes is exhausted."""
    return error.errno in _FULL


def disk_fault(error: OSError, folder: Path) -> str:
    """Describe a write error, as a clause that also states what to do."""
    if not is_full(error):
        return error.strerror or str(error)
    if error.errno == EFBIG:
        return f"a file in {folder} would be larger than this process may write (ulimit -f)"
    try:
        status = os.statvfs(folder)
        free = f" ({status.f_bavail * status.f_frsize / 2**20:,.0f} MiB are free)"
    except OSError:
        free = ""
    quota = "of the quota " if error.errno == EDQUOT else ""
    return (
        f"no space {quota}left on {folder}{free}: make room, for instance with `bitrecall release "
        "prune --keep 2`, or name a folder on another disk, and run the same command again"
    )
