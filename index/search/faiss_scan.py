"""The exact scan with FAISS's kernels, for installations without a C compiler."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final

import faiss
import numpy as np
from numpy.typing import NDArray

from bitrecall.index.search.arguments import check_excluded_rows, empty_results
from bitrecall.index.search.faiss_selectors import AllowedSelector
from bitrecall.index.search.faiss_simd import require_exact_distances
from bitrecall.index.search.faiss_threads import WORTH_THREADS, one_thread
from bitrecall.index.search.protocol import Results
from bitrecall.index.search.sort_keys import not_excluded

# Up to this many excluded rows are fetched in addition, and dropped: a selector makes the scan
# several times slower.
_MAX_OVERFETCH: Final = 256


class FaissScan:
    """The search of FAISS's IndexBinaryFlat, over codes that are not copied into an index.

    The k nearest are kept in a heap ordered by (distance, row), so a tie at the k-th place goes to
    the smallest row whatever the batch, selection or number of threads. The tests check this; they
    were also run at each of FAISS's SIMD levels on x86 (none, AVX2, AVX512).

    Args:
        codes: see ``bitrecall.index.search.scan.Scan``.
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
        """See ``bitrecall.index.search.scan.Scan.nearest``."""
        if excluded is None or not any(map(len, excluded)):
            return self._search_heaps(queries, k, allowed)
        check_excluded_rows(excluded, len(self._codes))
        distances, rows = empty_results(len(queries), k)
        for query, out in enumerate(excluded):
            near, near_rows = self._search_without(queries[query : query + 1], k, out, allowed)
            distances[query, : len(near)], rows[query, : len(near)] = near, near_rows
        return distances, rows

    def _search_without(
        self,
        query: NDArray[np.uint8],
        k: int,
        excluded: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return up to ``k`` distances and rows for one query, without its excluded rows."""
        if len(excluded) > _MAX_OVERFETCH:
            allowed = np.ones(len(self._codes), np.bool_) if allowed is None else allowed.copy()
            allowed[excluded] = False
            distances, rows = self._search_heaps(query, k, allowed)
            kept = rows[0] >= 0
        else:
            fetched = min(k + len(excluded), len(self._codes))
            distances, rows = self._search_heaps(query, fetched, allowed)
            kept = (rows[0] >= 0) & not_excluded(rows[0], excluded)
        return distances[0][kept][:k], rows[0][kept][:k]

    def _search_heaps(
        self, queries: NDArray[np.uint8], k: int, allowed: NDArray[np.bool_] | None
    ) -> Results:
        distances, rows = empty_results(len(queries), k)
        heap = faiss.int_maxheap_array_t()
        heap.k, heap.nh = k, len(queries)
        heap.ids, heap.val = faiss.swig_ptr(rows), faiss.swig_ptr(distances)
        selector = None if allowed is None else AllowedSelector(allowed)
        with one_thread() if len(queries) < WORTH_THREADS else nullcontext():
            faiss.hammings_knn_hc(
                heap,
                faiss.swig_ptr(queries),
                faiss.swig_ptr(self._codes),
                len(self._codes),
                self._codes.shape[1],
                True,
                faiss.EXACT_TOPK,
                None if selector is None else selector.faiss_selector,
            )
        if selector is not None or k > len(self._codes):
            distances[rows < 0] = -1
        return distances, rows
