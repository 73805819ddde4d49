"""What keeps publishers of one store out of each other's way, and cleans up after dead ones."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bitrecall.disk import remove_unfinished
from bitrecall.index.errors import NoReleaseError, ReleaseError

_WRITING = ".publishing-"
_REMOVING = ".removing-"


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock of the store at `root`, waiting for it; the kernel frees it when we die.

    Raises NoReleaseError where there is no such folder, ReleaseError where it cannot be written to.
    """
    try:
        descriptor = os.open(root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except FileNotFoundError as error:
        raise NoReleaseError("there is no such folder of releases", root) from error
    except OSError as error:
        raise ReleaseError(f"cannot be written to: {error.strerror}", root) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def writing_folder(root: Path) -> Iterator[Path]:
    """Make a folder of our own in `root`, locked while we live, gone at the end unless renamed.

    To be entered while holding the store's lock, so that nobody takes it for a leftover between its
    making and its locking.
    """
    folder = root / f"{_WRITING}{secrets.token_hex(8)}"
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def remove_leftovers(root: Path) -> None:
    """Remove what dead publishers left behind in `root`; to be called with the store's lock held.

    A folder being written is locked by its writer: one whose lock can be had is a dead one's.
    """
    remove_unfinished(root)
    for path in sorted(root.iterdir()):
        if path.name.startswith(_REMOVING) or (
            path.name.startswith(_WRITING) and not _is_locked(path)
        ):
            shutil.rmtree(path, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a release folder so that it vanishes at once, not file by file."""
    vanishing = folder.with_name(f"{_REMOVING}{folder.name}")
    folder.rename(vanishing)
    shutil.rmtree(vanishing, ignore_errors=True)


def _is_locked(folder: Path) -> bool:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
