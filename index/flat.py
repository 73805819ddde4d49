"""Exact search: every code is compared with every query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from index.arguments import check_among, check_exclude, check_search, empty_results
from index.errors import SearchError
from index.packing import check_codes
from index.protocol import Results
from index.scan import MOST, WORTH_THREADS, CodeScan, scan_many
from index.stored import check_stored_codes, map_flat_index, write_index

# In a batch, excluded rows are fetched and dropped; queries that exclude more are searched alone.
_OVERFETCH_AT_MOST = 256

# Where no more than one row in so many may be returned, those are searched by themselves.
_ALONE_ONE_IN = 16

_NOTHING = np.empty(0, np.int64)

# Bytes of scratch for marking excluded rows: (queries in a block) x items.
_SCRATCH = 32 * 2**20

# A scan of a million takes about a millisecond of one thread (benchmarks/search_speed.py).
_QUICK = 500_000


class FlatBackend:
    """Exact Hamming search: a scan of the codes, where they are (`index.scan`)."""

    effort: ClassVar[str | None] = None

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        self._codes = np.ascontiguousarray(codes)
        fits = 0 < len(codes) <= MOST and codes.shape[1] % 8 == 0
        self._scan = CodeScan(self._codes) if fits else None

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). It has no parameters: SearchError on any."""
        check_codes(codes)
        _refuse(parameters)
        if codes.shape[1] == 0:
            raise SearchError("a code must have at least 8 bits")
        return cls(codes)

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Check the index at `path`. Raises ReleaseDamagedError unless it holds exactly `codes`."""
        _refuse(parameters)
        check_codes(codes)
        check_stored_codes(map_flat_index(path, codes), codes, path)
        return cls(codes)

    def save(self, path: Path) -> None:
        """Write an index of the codes to `path` in FAISS's own format."""
        index = faiss.IndexBinaryFlat(self.bits)
        index.add(self._codes)
        write_index(index, path)

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return itself."""
        return self

    @property
    def most_effort(self) -> int:
        """1."""
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
    def quick(self) -> bool:
        """While there are not too many to scan."""
        return len(self) <= _QUICK

    def __len__(self) -> int:
        """Count the items."""
        return len(self._codes)

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
        among: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Find the `k` nearest items of each query; see `index.protocol.SearchBackend.search`."""
        codes = check_search(codes, k, self.bits // 8)
        banned = None if exclude is None else check_exclude(exclude, len(codes), len(self))
        if among is not None:
            n_allowed = int(np.count_nonzero(check_among(among, len(self))))
            if n_allowed * _ALONE_ONE_IN <= len(self):
                return self._search_alone(codes, k, banned, np.flatnonzero(among))
        width = min(k, len(self))
        if width == 0 or len(codes) == 0:
            return empty_results(len(codes), k)
        if banned is None:
            banned = [_NOTHING] * len(codes)
        if len(codes) == 1 and self._scan is not None:
            near, which = self._scan.nearest(codes, width, banned[0], among)
            if len(which) == k:
                return near[None], which[None]
            distances, rows = empty_results(1, k)
            distances[0, : len(which)], rows[0, : len(which)] = near, which
            return distances, rows
        distances, rows = empty_results(len(codes), k)
        one_by_one: Sequence[int] = range(len(codes))
        if self._scan is None or self._is_shared_out(len(codes)):
            sizes = np.array([len(rows_of_query) for rows_of_query in banned])
            one_by_one = np.flatnonzero(sizes > _OVERFETCH_AT_MOST).tolist()
            for block in self._blocks(sizes):
                found = self._search_overfetched(
                    codes[block], width, [banned[i] for i in block], among
                )
                distances[block, :width], rows[block, :width] = found
        for query in one_by_one:
            near, which = self._search_one(codes[query : query + 1], width, banned[query], among)
            distances[query, : len(which)], rows[query, : len(which)] = near, which
        return distances, rows

    def _is_shared_out(self, queries: int) -> bool:
        """Whether so many queries are better left to FAISS's threads than taken one by one."""
        return queries >= WORTH_THREADS and faiss.omp_get_max_threads() > 1

    def _search_alone(
        self,
        codes: NDArray[np.uint8],
        k: int,
        banned: Sequence[NDArray[np.int64]] | None,
        allowed: NDArray[np.int64],
    ) -> Results:
        """Search a catalogue of the `allowed` rows, increasing, as if there were no others."""
        place = np.full(len(self), -1)
        place[allowed] = np.arange(len(allowed))
        exclude = banned and [place[rows][place[rows] >= 0] for rows in banned]
        alone = type(self).build(self._codes[allowed])
        distances, found = alone.search(codes, k, exclude)
        # The place before the first is where -1, nothing found, points to.
        return distances, np.append(allowed, -1)[found]

    def _blocks(self, sizes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Queries to over-fetch together, of like numbers of excluded rows."""
        few = np.flatnonzero(sizes <= _OVERFETCH_AT_MOST)
        if not sizes.any():
            return [few]
        few = few[np.argsort(sizes[few], kind="stable")]
        step = max(1, _SCRATCH // len(self))
        return [few[start : start + step] for start in range(0, len(few), step)]

    def _search_overfetched(
        self,
        codes: NDArray[np.uint8],
        width: int,
        banned: Sequence[NDArray[np.int64]],
        among: NDArray[np.bool_] | None,
    ) -> Results:
        """Search for as many more as are excluded, and drop those."""
        sizes = np.array([len(rows) for rows in banned])
        fetched = min(len(self), width + int(sizes.max()))
        found_distances, found_rows = scan_many(self._codes, codes, fetched, among)
        if not sizes.any():
            return found_distances, found_rows
        marked = np.zeros((len(codes), len(self)), np.bool_)
        marked[np.repeat(np.arange(len(codes)), sizes), np.concatenate(banned)] = True
        allowed = (found_rows >= 0) & ~np.take_along_axis(marked, found_rows, axis=1)
        place = np.cumsum(allowed, axis=1) - 1
        query, column = np.nonzero(allowed & (place < width))
        distances, rows = empty_results(len(codes), width)
        distances[query, place[query, column]] = found_distances[query, column]
        rows[query, place[query, column]] = found_rows[query, column]
        return distances, rows

    def _search_one(
        self,
        code: NDArray[np.uint8],
        width: int,
        banned: NDArray[np.int64],
        among: NDArray[np.bool_] | None,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Search for one query; as many distances and rows as are allowed."""
        if self._scan is not None:
            return self._scan.nearest(code, width, banned, among)
        allowed = np.ones(len(self), np.bool_) if among is None else among.copy()
        allowed[banned] = False
        distances, rows = scan_many(self._codes, code, width, allowed)
        found = rows[0] >= 0
        return distances[0][found], rows[0][found]


def _refuse(parameters: Mapping[str, int]) -> None:
    if parameters:
        raise SearchError(f"the flat backend has no parameters, and got {sorted(parameters)}")
