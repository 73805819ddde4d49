"""Locks between the processes that write to a store, and removal of the folders of dead ones."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from bitrecall.disk import remove_unfinished
from bitrecall.index.errors import NoReleaseError, ReleaseError

LOCK: Final = ".lock"
MIRROR_LOCK: Final = ".mirror-lock"
_WRITING = ".publishing-"
_REMOVING = ".removing-"


def store_lock(root: Path) -> AbstractContextManager[None]:
    """Hold the lock of the store at ``root``, waiting for it.

    Hold it only briefly: to create, rename or hide folders and to move the pointer. The kernel
    releases it if the process dies.

    Raises:
        NoReleaseError: the folder does not exist.
        ReleaseError: the folder is not writable.
    """
    return _locked(root, LOCK)


def mirror_lock(root: Path) -> AbstractContextManager[None]:
    """Hold the lock of the store's mirror, waiting for it; raises what ``store_lock`` raises.

    It is held while releases are copied to the mirror and made current there, which may take
    minutes. A process that needs both locks must acquire this one first.
    """
    return _locked(root, MIRROR_LOCK)


@contextmanager
def _locked(root: Path, name: str) -> Iterator[None]:
    try:
        descriptor = os.open(root / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
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
    """Create and lock a hidden folder in ``root``; remove it at the end unless it was renamed.

    Enter it under the store's lock, so that no other process removes the folder as a leftover
    before it is locked.
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
    """Remove the folders that dead publishers left in ``root``. Call it under the store's lock.

    The folder of a running publisher is locked, and is kept.
    """
    remove_unfinished(root)
    for path in sorted(root.iterdir()):
        if path.name.startswith(_REMOVING) or (
            path.name.startswith(_WRITING) and not _is_locked(path)
        ):
            shutil.rmtree(path, ignore_errors=True)


def hide_folder(folder: Path) -> Path:
    """Rename a release folder to a hidden name atomically, and return its path for removal."""
    hidden = folder.with_name(f"{_REMOVING}{folder.name}")
    folder.rename(hidden)
    return hidden


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
