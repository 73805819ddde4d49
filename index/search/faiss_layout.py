"""The layout of FAISS's index files, checked before FAISS reads them.

FAISS does not check what it reads: wrong counts crash it, and some kinds of lists name other files,
which it opens. So this module checks a file first, and FAISS reads it only if every count in it
matches the item codes. All numbers are little-endian.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import ReleaseDamagedError
from bitrecall.index.search.hnsw_graph import graph_fault

__all__ = ["check_flat_file", "check_hnsw_file", "check_ivf_file"]

_HAMMING: Final = 1


def check_flat_file(path: Path, codes: NDArray[np.uint8]) -> None:
    """Raise ReleaseDamagedError unless the file is a flat index of exactly ``codes``, in order."""
    file = _File(path)
    file.flat(len(codes), codes.shape[1], codes)
    file.end()


def check_hnsw_file(path: Path, codes: NDArray[np.uint8], m: int) -> None:
    """Raise ReleaseDamagedError unless the file is a safe graph of ``codes``, all distinct."""
    file = _File(path)
    file.header(b"IBHf", len(codes), codes.shape[1])
    file.vector("<f8")
    slots, levels, offsets = file.vector("<i4"), file.vector("<i4"), file.vector("<u8")
    neighbours = file.vector("<i4")
    entry, highest, *_ = file.read("<i4", 5).tolist()
    if fault := graph_fault(slots, levels, offsets, neighbours, entry, highest, len(codes), m):
        raise ReleaseDamagedError(fault, path)
    file.flat(len(codes), codes.shape[1], codes)
    file.end()


def check_ivf_file(path: Path, codes: NDArray[np.uint8], nlist: int) -> None:
    """Raise ReleaseDamagedError unless the file has each of ``codes`` once, in ``nlist`` lists."""
    count, width = codes.shape
    file = _File(path)
    file.header(b"IBwF", count, width)
    lists = int(file.read("<u8", 1)[0])
    if lists != nlist:
        raise ReleaseDamagedError(f"has {lists} lists: the manifest has {nlist}", path)
    file.read("<u8", 1)
    file.flat(nlist, width)
    file.expect(bytes(9), "an unexpected map of rows")
    file.expect(b"ilar", "lists of another kind")
    file.expect(np.array([nlist, width], "<u8").tobytes(), "lists of other codes")
    present, total = np.zeros(count, np.bool_), 0
    for size in file.list_sizes(nlist):
        listed = file.read("u1", size * width).reshape(size, width)
        rows = file.read("<i8", size)
        outside = size and (rows.min() < 0 or rows.max() >= count)
        if outside or not np.array_equal(codes[rows], listed):
            raise ReleaseDamagedError("its codes differ from the item codes", path)
        present[rows] = True
        total += size
    if total != count or not present.all():
        raise ReleaseDamagedError("its codes differ from the item codes", path)
    file.end()


class _File:
    """A memory-mapped file, read from start to end. Methods raise ReleaseDamagedError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._bytes: NDArray[np.uint8] = np.memmap(path, np.uint8, "r").view(np.ndarray)
        except (OSError, ValueError) as error:
            raise ReleaseDamagedError(f"is empty or unreadable: {error}", path) from error
        self._at = 0

    def read(self, dtype: str, count: int) -> NDArray[Any]:
        """Read ``count`` numbers: (count,)."""
        size = np.dtype(dtype).itemsize * count
        if not 0 <= size <= len(self._bytes) - self._at:
            raise ReleaseDamagedError("is truncated, or has an invalid count", self._path)
        content = self._bytes[self._at : self._at + size]
        self._at += size
        # The numbers in these files are not aligned.
        return np.ndarray(count, np.dtype(dtype), content)

    def vector(self, dtype: str) -> NDArray[Any]:
        """Read a count and then that many numbers."""
        return self.read(dtype, int(self.read("<u8", 1)[0]))

    def expect(self, expected: bytes, what: str) -> None:
        """Read bytes that must be ``expected``; ``what`` describes others in the error."""
        if self.read("u1", len(expected)).tobytes() != expected:
            raise ReleaseDamagedError(f"has {what}", self._path)

    def header(self, tag: bytes, count: int, width: int) -> None:
        """Read the header of an index: tag, bits, bytes per code, codes, trained, metric."""
        self.expect(tag, f"another kind of index than {tag.decode()}")
        bits, code = self.read("<i4", 2).tolist()
        codes = int(self.read("<u8", 1)[0])
        if (codes, bits) != (count, 8 * width):
            raise ReleaseDamagedError(
                f"contains {codes} codes of {bits} bits, instead of {count} of {8 * width}",
                self._path,
            )
        if code != width:
            raise ReleaseDamagedError("its header is inconsistent", self._path)
        self.expect(b"\x01" + _HAMMING.to_bytes(4, "little"), "another metric than Hamming")

    def flat(self, count: int, width: int, codes: NDArray[np.uint8] | None = None) -> None:
        """Read a flat index of ``count`` codes, which must equal ``codes`` unless that is None."""
        self.header(b"IBxF", count, width)
        stored = self.vector("u1")
        if len(stored) != count * width:
            raise ReleaseDamagedError("its header is inconsistent", self._path)
        if codes is not None and not np.array_equal(stored, codes.reshape(-1)):
            raise ReleaseDamagedError("its codes differ from the item codes", self._path)

    def list_sizes(self, nlist: int) -> list[int]:
        """Read the lengths of the lists: of all, or of those that are not empty."""
        kind = self.read("u1", 4).tobytes()
        sizes = self.vector("<u8")
        if kind == b"full" and len(sizes) == nlist:
            return [int(size) for size in sizes]
        if kind == b"sprs" and len(sizes) % 2 == 0:
            numbers, counts = sizes[0::2], sizes[1::2]
            if len(numbers) == 0 or (
                (numbers[1:] > numbers[:-1]).all() and int(numbers[-1]) < nlist
            ):
                return [int(size) for size in counts]
        raise ReleaseDamagedError("has invalid list lengths", self._path)

    def end(self) -> None:
        """Check that the file ends here."""
        if self._at != len(self._bytes):
            raise ReleaseDamagedError("has extra bytes after its index", self._path)
