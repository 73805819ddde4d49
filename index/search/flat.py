"""Exact search: every code is compared with every query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.search.arguments import (
    check_allowed,
    check_excluded_rows,
    check_search,
    empty_results,
    exclude_lists,
)
from bitrecall.index.search.faiss_io import write_index
from bitrecall.index.search.faiss_layout import check_flat_file
from bitrecall.index.search.packing import check_codes
from bitrecall.index.search.protocol import Results
from bitrecall.index.search.scan import scan_of

# If at most one row in this many is allowed, the allowed codes are copied and searched.
_COPY_ONE_IN = 16

# A scan of a million takes about a millisecond of one thread (benchmarks/search/search_speed.py).
_MAX_FAST_ITEMS = 500_000


class FlatBackend:
    """Exact Hamming search by a scan of the codes.

    Args:
        codes: uint8 (n, bits/8).
        once: whether the backend is used for a single search, so that preparing the scan is not
            worth its time.
    """

    effort: ClassVar[str | None] = None

    def __init__(self, codes: NDArray[np.uint8], *, once: bool = False) -> None:
        self._codes = np.ascontiguousarray(codes)
        self._scan = scan_of(self._codes, once=once)

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). Raises SearchError on any parameter."""
        check_codes(codes)
        _check_no_parameters(parameters)
        if codes.shape[1] == 0:
            raise SearchError("a code must have at least 8 bits")
        return cls(codes)

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Check an index file. Raises ReleaseDamagedError unless it has exactly ``codes``."""
        _check_no_parameters(parameters)
        check_codes(codes)
        check_flat_file(path, codes)
        return cls(codes)

    def save(self, path: Path) -> None:
        """Write an index of the codes in FAISS's format."""
        index = faiss.IndexBinaryFlat(self.bits)
        index.add(self._codes)
        write_index(index, path)

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return this index: an exact search has no effort to choose."""
        return self

    @property
    def max_effort(self) -> int:
        """1: an exact search has no effort to choose."""
        return 1

    @property
    def parameters(self) -> Mapping[str, int]:
        """Empty: the backend has no parameters."""
        return {}

    @property
    def bits(self) -> int:
        """Code length in bits."""
        return int(self._codes.shape[1] * 8)

    @property
    def is_fast(self) -> bool:
        """Whether a scan takes at most a millisecond: with up to 500,000 items."""
        return len(self) <= _MAX_FAST_ITEMS

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._codes)

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Find the ``k`` nearest items of each query; see ``SearchBackend.search``."""
        codes = check_search(codes, k, self.bits // 8)
        excluded = None if exclude is None else exclude_lists(exclude, len(codes))
        if allowed is not None:
            check_excluded_rows(excluded or (), len(self))
            n_allowed = int(np.count_nonzero(check_allowed(allowed, len(self))))
            if n_allowed * _COPY_ONE_IN <= len(self):
                return self._search_copy(codes, k, excluded, np.flatnonzero(allowed))
        width = min(k, len(self))
        if width == 0 or len(codes) == 0:
            return empty_results(len(codes), k)
        distances, rows = self._scan.nearest(codes, width, excluded, allowed)
        if width == k:
            return distances, rows
        padded = empty_results(len(codes), k)
        padded[0][:, :width], padded[1][:, :width] = distances, rows
        return padded

    def _search_copy(
        self,
        codes: NDArray[np.uint8],
        k: int,
        excluded: Sequence[NDArray[np.int64]] | None,
        allowed: NDArray[np.int64],
    ) -> Results:
        """Search a copy of the ``allowed`` rows, which must be increasing."""
        copied_row = np.full(len(self), -1)
        copied_row[allowed] = np.arange(len(allowed))
        exclude = excluded and [copied_row[rows][copied_row[rows] >= 0] for rows in excluded]
        copy = type(self)(self._codes[allowed], once=True)
        distances, rows = copy.search(codes, k, exclude)
        # Rows of -1 index the last element, which is -1 too.
        return distances, np.append(allowed, -1)[rows]


def _check_no_parameters(parameters: Mapping[str, int]) -> None:
    if parameters:
        raise SearchError(f"the flat backend has no parameters: {sorted(parameters)} are unknown")
