"""Reading and writing FAISS binary indexes, with typed errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss

from bitrecall.disk import naming
from bitrecall.index.errors import ReleaseDamagedError


def write_index(index: Any, path: Path) -> None:
    """Write a FAISS binary index. Raises OSError."""
    with naming(path):
        try:
            faiss.write_index_binary(index, str(path))
        except RuntimeError as error:
            raise OSError(f"the index could not be written: {_first_line(error)}") from error


def read_index(path: Path, kind: type[Any], io_flags: int = 0) -> Any:
    """Read a FAISS binary index of class ``kind``. Raises ReleaseDamagedError."""
    try:
        index = faiss.read_index_binary(str(path), io_flags)
    except (RuntimeError, MemoryError) as error:
        raise ReleaseDamagedError(f"FAISS cannot read it: {_first_line(error)}", path) from error
    if type(index) is not kind:
        raise ReleaseDamagedError(f"contains a {type(index).__name__}, not a {kind.__name__}", path)
    return index


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
