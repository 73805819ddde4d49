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
    check_inside,
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
    """Exact Hamming search by a scan of the codes; ``once`` if it is used for a single search."""

    effort: ClassVar[str | None] = None

    def __init__(self, codes: NDArray[np.uint8], *, once: bool = False) -> None:
        self._codes = np.ascontiguousarray(codes)
        self._scan = scan_of(self._codes, once=once)

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). Raises SearchError on any parameter."""
        check_codes(codes)
        _refuse(parameters)
        if codes.shape[1] == 0:
            raise SearchError("a code must have at least 8 bits")
        return cls(codes)

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Check an index file. Raises ReleaseDamagedError unless it holds exactly ``codes``."""
        _refuse(parameters)
        check_codes(codes)
        check_flat_file(path, codes)
        return cls(codes)

    def save(self, path: Path) -> None:
        """Write an index of the codes in FAISS's format."""
        index = faiss.IndexBinaryFlat(self.bits)
        index.add(self._codes)
        write_index(index, path)

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return this index: it has no effort."""
        return self

    @property
    def most_effort(self) -> int:
        """1: it has no effort."""
        return 1

    @property
    def parameters(self) -> Mapping[str, int]:
        """None."""
        return {}

    @property
    def bits(self) -> int:
        """Bits in a code."""
        return int(self._codes.shape[1] * 8)

    @property
    def is_fast(self) -> bool:
        """While there are not too many to scan."""
        return len(self) <= _MAX_FAST_ITEMS

    def __len__(self) -> int:
        """Count the items."""
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
            check_inside(excluded or (), len(self))
            n_allowed = int(np.count_nonzero(check_allowed(allowed, len(self))))
            if n_allowed * _COPY_ONE_IN <= len(self):
                return self._search_alone(codes, k, excluded, np.flatnonzero(allowed))
        width = min(k, len(self))
        if width == 0 or len(codes) == 0:
            return empty_results(len(codes), k)
        near, which = self._scan.nearest(codes, width, excluded, allowed)
        if width == k:
            return near, which
        distances, rows = empty_results(len(codes), k)
        distances[:, :width], rows[:, :width] = near, which
        return distances, rows

    def _search_alone(
        self,
        codes: NDArray[np.uint8],
        k: int,
        excluded: Sequence[NDArray[np.int64]] | None,
        allowed: NDArray[np.int64],
    ) -> Results:
        """Search a catalogue of the ``allowed`` rows, increasing, as if there were no others."""
        place = np.full(len(self), -1)
        place[allowed] = np.arange(len(allowed))
        exclude = excluded and [place[rows][place[rows] >= 0] for rows in excluded]
        alone = type(self)(self._codes[allowed], once=True)
        distances, found = alone.search(codes, k, exclude)
        # The place before the first is where -1, nothing found, points to.
        return distances, np.append(allowed, -1)[found]


def _refuse(parameters: Mapping[str, int]) -> None:
    if parameters:
        raise SearchError(f"the flat backend has no parameters, and got {sorted(parameters)}")
