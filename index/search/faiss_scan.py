"""The exact scan by FAISS's loops, for installations without a C compiler."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from bitrecall.index.search.arguments import check_inside, empty_results
from bitrecall.index.search.faiss_selectors import Selection
from bitrecall.index.search.faiss_simd import require_exact_distances
from bitrecall.index.search.faiss_threads import WORTH_THREADS, one_thread
from bitrecall.index.search.protocol import Results
from bitrecall.index.search.sort_keys import open_rows

# Excluded rows up to which as many more are fetched, and dropped: a selector takes several times a
# plain scan.
_OVERFETCH_AT_MOST: Final = 256


class FaissScan:
    """What FAISS's IndexBinaryFlat does, without an index that would hold the codes a second time.

    The k nearest are kept in a heap ordered by (distance, row), so a tie at the k-th place goes to
    the smallest row whatever the batch, selection or number of threads. The tests hold it to that;
    they were also run at each of FAISS's SIMD levels on x86 (none, AVX2, AVX512).

    Args:
        codes: see `bitrecall.index.search.scan.Scan`.
    """

    def __init__(self, codes: NDArray[np.uint8]) -> None:
        require_exact_distances()
        self._codes = codes

    def nearest(
        self,
        queries: NDArray[np.uint8],
        k: int,
        excluded: Sequence[NDArray[np.int64]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """See `bitrecall.index.search.scan.Scan.nearest`."""
        if excluded is None or not any(map(len, excluded)):
            return self._heaps(queries, k, allowed)
        check_inside(excluded, len(self._codes))
        distances, rows = empty_results(len(queries), k)
        for query, out in enumerate(excluded):
            near, which = self._without(queries[query : query + 1], k, out, allowed)
            distances[query, : len(which)], rows[query, : len(which)] = near, which
        return distances, rows

    def _without(
        self,
        query: NDArray[np.uint8],
        k: int,
        out: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Search for one query; as many distances and rows as are allowed."""
        if len(out) > _OVERFETCH_AT_MOST:
            allowed = np.ones(len(self._codes), np.bool_) if allowed is None else allowed.copy()
            allowed[out] = False
            distances, rows = self._heaps(query, k, allowed)
            kept = rows[0] >= 0
        else:
            fetched = min(k + len(out), len(self._codes))
            distances, rows = self._heaps(query, fetched, allowed)
            kept = (rows[0] >= 0) & open_rows(rows[0], out)
        return distances[0][kept][:k], rows[0][kept][:k]

    def _heaps(
        self, queries: NDArray[np.uint8], k: int, allowed: NDArray[np.bool_] | None
    ) -> Results:
        distances, rows = empty_results(len(queries), k)
        heap = faiss.int_maxheap_array_t()
        heap.k, heap.nh = k, len(queries)
        heap.ids, heap.val = faiss.swig_ptr(rows), faiss.swig_ptr(distances)
        selection = None if allowed is None else Selection(allowed)
        with one_thread() if len(queries) < WORTH_THREADS else nullcontext():
            faiss.hammings_knn_hc(
                heap,
                faiss.swig_ptr(queries),
                faiss.swig_ptr(self._codes),
                len(self._codes),
                self._codes.shape[1],
                True,
                faiss.EXACT_TOPK,
                None if selection is None else selection.selector,
            )
        if selection is not None or k > len(self._codes):
            distances[rows < 0] = -1
        return distances, rows
