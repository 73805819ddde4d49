"""What goes wrong when a disk is written to, said with the folder and with what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from typing import Final

__all__ = ["disk_fault", "is_full", "naming"]

_FULL: Final = (ENOSPC, EDQUOT, EFBIG)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give an OSError from inside the name of the file, which writing alone does not."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        # FAISS has the reason in its text alone.
        number = error.errno or (ENOSPC if os.strerror(ENOSPC) in str(error) else None)
        if number is None:
            raise
        raise OSError(number, os.strerror(number), str(path)) from error


def is_full(error: OSError) -> bool:
    """Whether a disk, a quota or a limit on file sizes is exhausted."""
    return error.errno in _FULL


def disk_fault(error: OSError, folder: Path) -> str:
    """What went wrong while something was written to a folder, as a clause."""
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
