"""The exact scan: every code compared with every query, in memory that is somebody else's."""

from __future__ import annotations

from contextlib import nullcontext

import faiss
import numpy as np
from numpy.typing import NDArray

from index.arguments import empty_results
from index.protocol import Results
from index.selection import Selection
from index.threads import one_thread

# Queries in a call from which on it is shared out among FAISS's threads.
_WORTH_THREADS = 64


def scan(
    codes: NDArray[np.uint8],
    queries: NDArray[np.uint8],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
) -> Results:
    """Find the `k` nearest codes of each query, as `index.protocol.SearchBackend.search` promises.

    This is what FAISS's IndexBinaryFlat does, without an index that would hold the codes a second
    time. The k nearest are kept in a heap ordered by (distance, row), so a tie at the k-th place
    goes to the smallest row whatever the batch, selection or number of threads. The tests hold it
    to that; they were also run at each of FAISS's SIMD levels on x86 (none, AVX2, AVX512).

    A few queries are searched on one thread, and many on as many as FAISS has.

    Args:
        codes: uint8 (n, w) in C order, n and w at least 1.
        queries: uint8 (b, w) in C order.
        k: at least 1.
        allowed: bool (n,), the rows that may be returned; None allows all.
    """
    distances, rows = empty_results(len(queries), k)
    heap = faiss.int_maxheap_array_t()
    heap.k, heap.nh = k, len(queries)
    heap.ids, heap.val = faiss.swig_ptr(rows), faiss.swig_ptr(distances)
    selection = None if allowed is None else Selection(allowed)
    with one_thread() if len(queries) < _WORTH_THREADS else nullcontext():
        faiss.hammings_knn_hc(
            heap,
            faiss.swig_ptr(queries),
            faiss.swig_ptr(codes),
            len(codes),
            codes.shape[1],
            True,
            faiss.EXACT_TOPK,
            None if selection is None else selection.selector,
        )
    if selection is not None or k > len(codes):
        distances[rows < 0] = -1
    return distances, rows
