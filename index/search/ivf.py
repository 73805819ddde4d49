"""Approximate search in the nearest of many lists of codes (IVF), for millions of items."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.search.approximate import (
    EXACT_ONE_IN,
    ApproximateBackend,
    complete_parameters,
)
from bitrecall.index.search.faiss_io import read_index
from bitrecall.index.search.faiss_layout import check_ivf_file
from bitrecall.index.search.faiss_simd import require_exact_distances
from bitrecall.index.search.faiss_threads import one_thread
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import check_codes
from bitrecall.index.search.protocol import Results
from bitrecall.index.search.sort_keys import best_of, keys_of, not_excluded, rows_of

_MAX_PARAMETER: Final = 2**20

# Training codes per centre, and k-means iterations.
_CODES_PER_CENTRE: Final = 64
_ITERATIONS: Final = 8

_SEED: Final = 1234


class IvfBackend(ApproximateBackend):
    """Hamming search with FAISS's IndexBinaryIVF.

    Parameters: ``nlist``, the number of lists; ``nprobe``, the number of lists that a query
    searches. Each code is in the list of the nearest of ``nlist`` centres (k-means); a query
    searches the lists of the ``nprobe`` nearest centres. Results are ordered by (distance, row).
    A nearer item may be missed.

    Excluded rows are fetched and dropped, since FAISS's binary lists have no selector. If too few
    rows are left, twice as many are fetched from twice as many lists, until there are enough.

    The lists are mapped from the file, so all workers share the memory.
    """

    effort: ClassVar[str | None] = "nprobe"

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). Raises SearchError on bad parameters.

        By default, ``nlist`` is about 2·√n and ``nprobe`` 16.
        """
        require_exact_distances()
        exact = FlatBackend.build(codes)
        completed = _complete(parameters, len(codes))
        nlist = completed["nlist"]
        index = faiss.IndexBinaryIVF(faiss.IndexBinaryFlat(exact.bits), exact.bits, nlist)
        index.cp.niter, index.cp.seed = _ITERATIONS, _SEED
        index.cp.min_points_per_centroid = 1
        if len(codes):
            index.train(_sample(codes, nlist * _CODES_PER_CENTRE))
            index.add(np.ascontiguousarray(codes))
        return cls(index, exact, completed)

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Map an index file. Raises ReleaseDamagedError unless it was built from ``codes``."""
        require_exact_distances()
        check_codes(codes)
        completed = _complete(parameters, len(codes))
        check_ivf_file(path, codes, completed["nlist"])
        index = read_index(path, faiss.IndexBinaryIVF, faiss.IO_FLAG_MMAP)
        stored = faiss.downcast_InvertedLists(index.invlists)
        if type(stored) is faiss.OnDiskInvertedLists:
            # Otherwise every query starts threads that read ahead.
            stored.prefetch_nthread = 0
        return cls(index, FlatBackend.build(codes), completed)

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return the same lists, searched with ``nprobe`` set to ``effort``."""
        parameters = _complete({**self._parameters, "nprobe": effort}, len(self))
        return type(self)(self._index, self._exact, parameters, fill=fill)

    @property
    def max_effort(self) -> int:
        """The number of lists."""
        return self._parameters["nlist"]

    def _search(
        self,
        codes: NDArray[np.uint8],
        excluded: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
        n_allowed: int,
        results: Results,
    ) -> None:
        # Queries that fetch the same number of rows are searched together. The number depends on
        # the query alone, so its results are the same alone and in a batch.
        width, spare = results[0].shape[1], 1 if allowed is None else 2
        fetch_counts = [
            _power_of_two(spare * (width + len(out)) * len(self) // n_allowed) for out in excluded
        ]
        for fetched in sorted(set(fetch_counts)):
            group = [query for query, count in enumerate(fetch_counts) if count == fetched]
            self._search_group(codes, group, fetched, excluded, allowed, results)

    def _search_group(
        self,
        codes: NDArray[np.uint8],
        group: list[int],
        fetched: int,
        excluded: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
        results: Results,
    ) -> None:
        """Search for the queries in ``group``, fetching ``fetched`` rows per query.

        Queries with too few allowed rows among them are repeated, with twice as many rows from
        twice as many lists. If that would search all lists, or fetch a large part of the catalogue,
        the catalogue is scanned instead.
        """
        distances, rows = results
        width = distances.shape[1]
        nprobe, nlist = self._parameters["nprobe"], self._parameters["nlist"]
        while group and nprobe <= nlist and fetched * EXACT_ONE_IN <= len(self):
            fetched_results = self._fetch(codes[group], fetched, nprobe)
            unfilled = []
            for query, near, near_rows in zip(group, *fetched_results, strict=True):
                keys = _allowed_keys(near, near_rows, excluded[query], allowed)
                if len(keys) < width and self._fill:
                    unfilled.append(query)
                    continue
                near, near_rows = best_of(keys, width)
                count = len(near_rows)
                distances[query, :count], rows[query, :count] = near, near_rows
            group, fetched, nprobe = unfilled, 2 * fetched, 2 * nprobe
        if group:
            distances[group], rows[group] = self._exact.search(
                codes[group], width, [excluded[query] for query in group], allowed
            )

    def _fetch(self, codes: NDArray[np.uint8], k: int, nprobe: int) -> Results:
        with one_thread():
            results: Results = self._index.search(
                codes, k, params=faiss.IVFSearchParameters(nprobe=nprobe)
            )
        return results


def _allowed_keys(
    distances: NDArray[np.int32],
    rows: NDArray[np.int64],
    excluded: NDArray[np.int64],
    allowed: NDArray[np.bool_] | None,
) -> NDArray[np.int64]:
    """Return the sort keys of the rows that may be returned; FAISS pads ``rows`` with -1."""
    if rows[-1] < 0:
        valid = rows >= 0
        distances, rows = distances[valid], rows[valid]
    keys = keys_of(distances, rows)
    if len(excluded):
        keys = keys[not_excluded(rows, excluded)]
    return keys if allowed is None else keys[allowed[rows_of(keys)]]


def _power_of_two(count: int) -> int:
    """Return the smallest power of two that is at least ``count``, and at least 16."""
    return 1 << max(4, (count - 1).bit_length())


def _sample(codes: NDArray[np.uint8], limit: int) -> NDArray[np.uint8]:
    """Return up to ``limit`` random codes, in their order."""
    if len(codes) <= limit:
        return np.ascontiguousarray(codes)
    rows = np.random.default_rng(_SEED).choice(len(codes), limit, replace=False)
    return np.ascontiguousarray(codes[np.sort(rows)])


def _complete(parameters: Mapping[str, int], items: int) -> dict[str, int]:
    nlist = max(1, min(items, 2 * math.isqrt(items)))
    completed = complete_parameters(
        "ivf",
        parameters,
        {"nlist": nlist, "nprobe": 16},
        {"nlist": (1, _MAX_PARAMETER), "nprobe": (1, _MAX_PARAMETER)},
    )
    if items and completed["nlist"] > items:
        raise SearchError(
            f"nlist must be at most the number of items, {items}, not {completed['nlist']}"
        )
    completed["nprobe"] = min(completed["nprobe"], completed["nlist"])
    return completed
