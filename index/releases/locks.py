"""Locks between the processes that write to one store, and removal of what dead ones left."""

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

    It is held for moments: to create, rename or remove folders and to move the pointer. The kernel
    releases it if the process dies.

    Raises:
        NoReleaseError: there is no such folder.
        ReleaseError: the folder is not writable.
    """
    return _locked(root, LOCK)


def mirror_lock(root: Path) -> AbstractContextManager[None]:
    """Hold the lock of the store's mirror, waiting for it; errors are those of ``store_lock``.

    It is held while releases are copied to the mirror and made current there, which may take
    minutes. A process that needs both locks takes this one first.
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
    """Create a hidden folder in ``root`` and lock it; it is removed at the end unless renamed.

    To be entered under the store's lock, so that no other process removes the folder as a leftover
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
    """Remove what dead publishers left in ``root``; to be called under the store's lock.

    The folder of a living publisher is locked by it.
    """
    remove_unfinished(root)
    for path in sorted(root.iterdir()):
        if path.name.startswith(_REMOVING) or (
            path.name.startswith(_WRITING) and not _is_locked(path)
        ):
            shutil.rmtree(path, ignore_errors=True)


def hide_folder(folder: Path) -> Path:
    """Rename a release folder to a hidden one in one step, and return that; to be removed."""
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
