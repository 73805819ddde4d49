"""The exact scan: every code compared with every query, in memory that is somebody else's."""

from __future__ import annotations

import math
import threading
from contextlib import nullcontext
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from index.arguments import empty_results
from index.keys import best_of, keys_of, rows_of
from index.protocol import Results
from index.selection import Selection
from index.threads import one_thread

# Queries in a call from which on it is shared out among FAISS's threads.
WORTH_THREADS: Final = 64

# Codes from which on the memory is what a scan waits for, and a heap costs nothing beside it.
MOST: Final = 2**18

# Rows that a query's reach is guessed from.
_SAMPLE: Final = 2048

_OUT_OF_REACH: Final = 2**31 - 1


class CodeScan:
    """Exact search of not too many codes for one query after the other, on the calling thread.

    How far away the k-th item is, is guessed from a sample; the distances of all codes are taken
    with FAISS's loop, those within reach are sorted, and where they are fewer than k after all the
    reach is widened. A heap, as in IndexBinaryFlat, takes half as long again, since it goes through
    the distances one by one; and rows that must not be returned cost next to nothing here.
    docs/performance.md has the measurement.

    Args:
        codes: uint8 (n, w) in C order, n from 1 to `MOST`; w is a multiple of 8, as FAISS's loop
            wants.
        sample: rows that a query's reach is guessed from.
    """

    def __init__(self, codes: NDArray[np.uint8], sample: int = _SAMPLE) -> None:
        self._codes = _Pointed(codes)
        self._step = max(1, len(codes) // sample)
        self._sample = _Pointed(np.ascontiguousarray(codes[:: self._step]))
        self._scratch = threading.local()

    def nearest(
        self,
        code: NDArray[np.uint8],
        k: int,
        banned: NDArray[np.int64],
        among: NDArray[np.bool_] | None = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return distances and rows of the `k` nearest, fewer where no more are allowed.

        Args:
            code: uint8 (1, w) in C order.
            k: at least 1.
            banned: rows that must not be returned, in any order and number.
            among: bool (n,), the rows that may be; None allows all.
        """
        wanted = k + len(banned)
        if among is not None:
            wanted = math.ceil(wanted * len(among) / max(1, int(np.count_nonzero(among))))
        bits = 8 * code.shape[1]
        reach = self._guess(code, wanted)
        # Once it falls short of k, a little further; and then everything there is.
        for further in (0, bits // 16, bits):
            keys = self._within(code, reach + further, banned)
            if among is not None:
                keys = keys[among[rows_of(keys)]]
            if len(keys) >= k or reach + further >= bits:
                break
        return best_of(keys, k)

    def _guess(self, code: NDArray[np.uint8], wanted: int) -> int:
        """A distance within which there are most likely so many rows, and not many times more."""
        expected = wanted / self._step
        place = math.ceil(expected + 2.5 * math.sqrt(expected) + 2)
        if place >= len(self._sample.array):
            return int(8 * code.shape[1])
        near = self._distances(code, self._sample)
        near.partition(place)
        return int(near[place])

    def _within(
        self, code: NDArray[np.uint8], reach: int, banned: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """The keys of all rows within reach but the banned, in the order of the rows."""
        distances = self._distances(code, self._codes)
        if len(banned):
            distances[banned] = _OUT_OF_REACH
        rows = (distances <= reach).nonzero()[0]
        return keys_of(distances.take(rows), rows)

    def _distances(self, code: NDArray[np.uint8], codes: _Pointed) -> NDArray[np.int32]:
        """The distances of some codes, in memory that the next call uses again."""
        try:
            scratch = self._scratch.distances
        except AttributeError:
            size = len(self._codes.array)
            scratch = self._scratch.distances = _Pointed(np.empty(size, np.int32))
        items, width = codes.array.shape
        faiss.hammings(faiss.swig_ptr(code), codes.pointer, 1, items, width, scratch.pointer)
        distances: NDArray[np.int32] = scratch.array[:items]
        return distances


class _Pointed:
    """An array, and what FAISS's functions want of it, which takes a microsecond to make."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array
        self.pointer = faiss.swig_ptr(array)


def scan_many(
    codes: NDArray[np.uint8],
    queries: NDArray[np.uint8],
    k: int,
    allowed: NDArray[np.bool_] | None = None,
) -> Results:
    """Find the `k` nearest codes of each of many queries.

    This is what FAISS's IndexBinaryFlat does, without an index that would hold the codes a second
    time. The k nearest are kept in a heap ordered by (distance, row), so a tie at the k-th place
    goes to the smallest row whatever the batch, selection or number of threads. The tests hold it
    to that; they were also run at each of FAISS's SIMD levels on x86 (none, AVX2, AVX512).

    From `WORTH_THREADS` queries on they are shared out among as many threads as FAISS has.

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
    with one_thread() if len(queries) < WORTH_THREADS else nullcontext():
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
