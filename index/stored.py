"""Reading and writing FAISS binary indexes, with its errors turned into ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from index.errors import ReleaseDamagedError


def write_index(index: Any, path: Path) -> None:
    """Write a FAISS binary index to `path`. Raises OSError where that fails."""
    try:
        faiss.write_index_binary(index, str(path))
    except RuntimeError as error:
        raise OSError(f"{path}: the index could not be written: {_first_line(error)}") from error


def read_index(path: Path, kind: type[Any], io_flags: int = 0) -> Any:
    """Read a FAISS binary index that must be a `kind`. Raises ReleaseDamagedError."""
    try:
        index = faiss.read_index_binary(str(path), io_flags)
    except (RuntimeError, MemoryError) as error:
        raise ReleaseDamagedError(f"FAISS cannot read it: {_first_line(error)}", path) from error
    if type(index) is not kind:
        raise ReleaseDamagedError(f"holds a {type(index).__name__}, not a {kind.__name__}", path)
    return index


def map_flat_index(path: Path, codes: NDArray[np.uint8]) -> faiss.IndexBinaryFlat:
    """Map a flat index of `codes`, so that all workers share its memory.

    FAISS maps with IO_FLAG_MMAP_IFC alone (IO_FLAG_MMAP is ignored for binary indexes), and then
    reads past the end of a file that is cut inside its header, and crashes: the size is checked
    first. Raises ReleaseDamagedError.
    """
    header = faiss.serialize_index_binary(faiss.IndexBinaryFlat(codes.shape[1] * 8)).size
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ReleaseDamagedError(f"is missing or unreadable: {error.strerror}", path) from error
    if size != header + codes.nbytes:
        raise ReleaseDamagedError(
            f"has {size} bytes, and a flat index of the item codes has {header + codes.nbytes}",
            path,
        )
    return read_index(path, faiss.IndexBinaryFlat, faiss.IO_FLAG_MMAP_IFC)


def check_stored_codes(index: Any, codes: NDArray[np.uint8], path: Path) -> None:
    """Raise ReleaseDamagedError unless the flat index `index` holds exactly `codes`, in order."""
    if index.d != codes.shape[1] * 8 or index.ntotal != len(codes):
        raise ReleaseDamagedError(
            f"holds {index.ntotal} codes of {index.d} bits, and the item codes are "
            f"{len(codes)} of {codes.shape[1] * 8}",
            path,
        )
    if index.code_size != codes.shape[1] or index.xb.size() != codes.size:
        raise ReleaseDamagedError("its codes and its header disagree about their size", path)
    if codes.size and not np.array_equal(index.reconstruct_n(0, len(codes)), codes):
        raise ReleaseDamagedError("its codes are not those of the item codes", path)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
