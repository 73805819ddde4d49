"""Approximate search in the nearest of many lists of codes (IVF), for millions of items."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.search.arguments import (
    check_allowed,
    check_exclude,
    check_search,
    empty_results,
)
from bitrecall.index.search.faiss_io import read_index, write_index
from bitrecall.index.search.faiss_layout import check_ivf_file
from bitrecall.index.search.faiss_simd import require_exact_distances
from bitrecall.index.search.faiss_threads import one_thread
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import check_codes
from bitrecall.index.search.protocol import Results
from bitrecall.index.search.sort_keys import best_of, keys_of, open_rows, rows_of

# If at most one row in this many is allowed, an exact scan is faster.
_EXACT_ONE_IN: Final = 16

# Training codes per centre, and k-means iterations.
_CODES_PER_CENTRE: Final = 64
_ITERATIONS: Final = 8

_SEED: Final = 1234


class IvfBackend:
    """Hamming search with FAISS's IndexBinaryIVF.

    Codes are assigned to the nearest of ``nlist`` centres (k-means); a query searches the lists of
    the ``nprobe`` nearest centres. Results are ordered by (distance, row). Excluded rows are
    fetched and dropped, since FAISS's binary lists have no selector; if too few are left, twice as
    many are fetched from twice as many lists, until there are enough. A nearer item may be missed.

    The lists are mapped from the file, so that all workers share the memory.
    """

    effort: ClassVar[str | None] = "nprobe"

    def __init__(
        self,
        index: faiss.IndexBinaryIVF,
        exact: FlatBackend,
        parameters: Mapping[str, int],
        *,
        fill: bool = True,
    ) -> None:
        self._index = index
        self._fill = fill
        self._exact = exact
        self._parameters = dict(parameters)

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). Raises SearchError on bad parameters.

        The default of ``nlist`` is about 2·√n.
        """
        require_exact_distances()
        exact = FlatBackend.build(codes)
        filled = _filled(parameters, len(codes))
        nlist = filled["nlist"]
        index = faiss.IndexBinaryIVF(faiss.IndexBinaryFlat(exact.bits), exact.bits, nlist)
        index.cp.niter, index.cp.seed = _ITERATIONS, _SEED
        index.cp.min_points_per_centroid = 1
        if len(codes):
            index.train(_some(codes, nlist * _CODES_PER_CENTRE))
            index.add(np.ascontiguousarray(codes))
        return cls(index, exact, filled)

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Map an index file. Raises ReleaseDamagedError unless it was built from ``codes``."""
        require_exact_distances()
        check_codes(codes)
        filled = _filled(parameters, len(codes))
        check_ivf_file(path, codes, filled["nlist"])
        index = read_index(path, faiss.IndexBinaryIVF, faiss.IO_FLAG_MMAP)
        stored = faiss.downcast_InvertedLists(index.invlists)
        if type(stored) is faiss.OnDiskInvertedLists:
            # Otherwise every query starts threads that read ahead.
            stored.prefetch_nthread = 0
        return cls(index, FlatBackend.build(codes), filled)

    def save(self, path: Path) -> None:
        """Write the lists in FAISS's format."""
        write_index(self._index, path)

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return the same lists, searched with ``nprobe`` set to ``effort``."""
        parameters = _filled({**self._parameters, "nprobe": effort}, len(self))
        return type(self)(self._index, self._exact, parameters, fill=fill)

    @property
    def most_effort(self) -> int:
        """The number of lists."""
        return self._parameters["nlist"]

    @property
    def parameters(self) -> Mapping[str, int]:
        """``nlist`` and ``nprobe``."""
        return dict(self._parameters)

    @property
    def bits(self) -> int:
        """Bits in a code."""
        return self._exact.bits

    @property
    def is_fast(self) -> bool:
        """True, at any number of items."""
        return True

    def __len__(self) -> int:
        """Return the number of items."""
        return len(self._exact)

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Search approximately; see ``SearchBackend.search``."""
        codes = check_search(codes, k, self.bits // 8)
        no_rows = [np.empty(0, np.int64)] * len(codes)
        excluded = no_rows if exclude is None else check_exclude(exclude, len(codes), len(self))
        distances, rows = empty_results(len(codes), k)
        width = min(k, len(self))
        if width == 0 or len(codes) == 0:
            return distances, rows
        n_allowed = len(self)
        if allowed is not None:
            n_allowed = int(np.count_nonzero(check_allowed(allowed, len(self))))
        if n_allowed * _EXACT_ONE_IN <= len(self):
            return self._exact.search(codes, k, excluded, allowed)
        # Queries that fetch as many are searched together. How many depends on the query alone, so
        # that its answer is the same alone and in a batch.
        spare = 1 if allowed is None else 2
        fetch_counts = [
            _power_of_two(spare * (width + len(out)) * len(self) // n_allowed) for out in excluded
        ]
        for fetched in sorted(set(fetch_counts)):
            group = [query for query, count in enumerate(fetch_counts) if count == fetched]
            self._search_group(codes, group, fetched, width, excluded, allowed, (distances, rows))
        return distances, rows

    def _search_group(
        self,
        codes: NDArray[np.uint8],
        group: list[int],
        fetched: int,
        width: int,
        excluded: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
        results: Results,
    ) -> None:
        """Search for some of the queries, and for more in more lists for those who are left short.

        Where all lists would be searched, or a good part of the catalogue fetched, it is scanned.
        """
        distances, rows = results
        nprobe, nlist = self._parameters["nprobe"], self._parameters["nlist"]
        while group and nprobe <= nlist and fetched * _EXACT_ONE_IN <= len(self):
            found = self._fetch(codes[group], fetched, nprobe)
            short = []
            for query, near, which in zip(group, *found, strict=True):
                keys = _open_keys(near, which, excluded[query], allowed)
                if len(keys) < width and self._fill:
                    short.append(query)
                    continue
                near, which = best_of(keys, width)
                distances[query, : len(which)], rows[query, : len(which)] = near, which
            group, fetched, nprobe = short, 2 * fetched, 2 * nprobe
        if group:
            exact = self._exact.search(codes[group], width, [excluded[i] for i in group], allowed)
            distances[group, :width], rows[group, :width] = exact

    def _fetch(self, codes: NDArray[np.uint8], k: int, nprobe: int) -> Results:
        with one_thread():
            found: Results = self._index.search(
                codes, k, params=faiss.IVFSearchParameters(nprobe=nprobe)
            )
        return found


def _open_keys(
    distances: NDArray[np.int32],
    rows: NDArray[np.int64],
    excluded: NDArray[np.int64],
    allowed: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """The keys of what was found, which is nothing in its last places, and may be returned."""
    if rows[-1] < 0:
        found = rows >= 0
        distances, rows = distances[found], rows[found]
    keys = keys_of(distances, rows)
    if len(excluded):
        keys = keys[open_rows(rows, excluded)]
    return keys if allowed is None else keys[allowed[rows_of(keys)]]


def _power_of_two(count: int) -> int:
    """The smallest power of two that is not below a count, and 16 at least."""
    return 1 << max(4, (count - 1).bit_length())


def _some(codes: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """At most so many of the codes, spread over all of them."""
    if len(codes) <= most:
        return np.ascontiguousarray(codes)
    rows = np.random.default_rng(_SEED).choice(len(codes), most, replace=False)
    return np.ascontiguousarray(codes[np.sort(rows)])


def _filled(parameters: Mapping[str, int], items: int) -> dict[str, int]:
    """Return the parameters with the defaults filled in."""
    nlist = max(1, min(items, 2 * math.isqrt(items)))
    defaults = {"nlist": nlist, "nprobe": 16}
    unknown = parameters.keys() - defaults.keys()
    if unknown:
        raise SearchError(
            f"unknown parameters {sorted(unknown)} of the ivf backend; known: {sorted(defaults)}"
        )
    filled = defaults | dict(parameters)
    for name, value in filled.items():
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**20:
            raise SearchError(f"{name} must be a whole number from 1 to 1048576, not {value!r}")
    if items and filled["nlist"] > items:
        raise SearchError(
            f"nlist must be at most the number of items, {items}, not {filled['nlist']}"
        )
    filled["nprobe"] = min(filled["nprobe"], filled["nlist"])
    return filled
