"""Exact Hamming scan over a borrowed (memory-mapped) array of codes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.search.arguments import outside_message
from bitrecall.index.search.code_blocks import blocks_of
from bitrecall.index.search.faiss_scan import FaissScan
from bitrecall.index.search.faiss_threads import WORTH_THREADS
from bitrecall.index.search.native_module import native
from bitrecall.index.search.protocol import Results

# Up to this many codes are copied into blocks, in the memory of each process: 16 MB at 256 bits.
# Larger catalogues are scanned in place, in memory that all processes share: that scan is limited
# by memory bandwidth.
_MAX_IN_BLOCKS: Final = 500_000


class Scan(Protocol):
    """Exact search of codes, uint8 (n, w) in C order, n and w at least 1."""

    def nearest(
        self,
        queries: NDArray[np.uint8],
        k: int,
        excluded: Sequence[NDArray[np.int64]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """Find the ``k`` nearest codes of each query; equal distances are ordered by row.

        Args:
            queries: uint8 (b, w) in C order.
            k: at least 1.
            excluded: for each query, the rows that must not be returned, in any order.
            allowed: bool (n,), the rows that may be returned; None for all.

        Returns:
            Distances, int32 (b, k), and rows, int64 (b, k), padded with -1.

        Raises:
            SearchError: an excluded row does not exist.
        """
        ...


def scan_of(codes: NDArray[np.uint8], *, once: bool = False) -> Scan:
    """Return the fastest available scan; ``once`` if it is used for a single search."""
    if native is None:
        return FaissScan(codes)
    return CodeScan(codes, blocks=not once and len(codes) <= _MAX_IN_BLOCKS)


class CodeScan:
    """The scan in C. Safe to use from several threads.

    Args:
        codes: see ``Scan``.
        level: SIMD level, one of ``native.levels()``; None for the best available.
        blocks: whether to copy the codes into blocks (``code_blocks``), which are faster to scan
            while they fit in cache.
    """

    def __init__(
        self, codes: NDArray[np.uint8], level: str | None = None, *, blocks: bool = True
    ) -> None:
        self._codes = blocks_of(codes) if blocks else codes
        self._blocks = blocks
        self._items, self._width = codes.shape
        compiled: Any = native
        self._nearest = compiled.nearest
        levels: dict[str, int] = compiled.levels()
        self._level = levels[level or next(iter(levels))]

    def nearest(
        self,
        queries: NDArray[np.uint8],
        k: int,
        excluded: Sequence[NDArray[np.int64]] | None = None,
        allowed: NDArray[np.bool_] | None = None,
    ) -> Results:
        """See ``Scan.nearest``."""
        distances = np.empty((len(queries), k), np.int32)
        rows = np.empty((len(queries), k), np.int64)
        try:
            self._write(queries, excluded, allowed, distances, rows)
        except IndexError:
            raise SearchError(outside_message(self._items)) from None
        return distances, rows

    def _write(
        self,
        queries: NDArray[np.uint8],
        excluded: Sequence[NDArray[np.int64]] | None,
        allowed: NDArray[np.bool_] | None,
        distances: NDArray[np.int32],
        rows: NDArray[np.int64],
    ) -> None:
        def scan_part(a: int, b: int) -> None:
            self._nearest(
                self._codes,
                queries[a:b],
                allowed,
                distances[a:b],
                rows[a:b],
                excluded and excluded[a:b],
                self._items,
                self._width,
                self._blocks,
                self._level,
            )

        threads = faiss.omp_get_max_threads() if len(queries) >= WORTH_THREADS else 1
        if threads == 1:
            scan_part(0, len(queries))
            return
        ends = [len(queries) * thread // threads for thread in range(threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(scan_part, ends, ends[1:]))
