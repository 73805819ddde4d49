"""Approximate search over a navigable small-world graph (HNSW), for millions of items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from bitrecall.index.search.approximate import ApproximateBackend, complete_parameters
from bitrecall.index.search.arguments import empty_results
from bitrecall.index.search.distinct_codes import DistinctCodes
from bitrecall.index.search.faiss_io import read_index
from bitrecall.index.search.faiss_layout import check_hnsw_file
from bitrecall.index.search.faiss_selectors import AllowedSelector, ExcludedSelector
from bitrecall.index.search.faiss_simd import require_exact_distances
from bitrecall.index.search.faiss_threads import one_thread
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import check_codes
from bitrecall.index.search.protocol import Results

_MAX_PARAMETER: Final = 2**16

# Releases tune ``ef_search`` to their recall (``index_selection``).
_DEFAULTS: Final = {"m": 16, "ef_construction": 100, "ef_search": 128}
_RANGES: Final = {
    "m": (2, _MAX_PARAMETER),
    "ef_construction": (1, _MAX_PARAMETER),
    "ef_search": (1, _MAX_PARAMETER),
}


class HnswBackend(ApproximateBackend):
    """Hamming search with FAISS's IndexBinaryHNSW over the distinct codes.

    Parameters: ``m``, the neighbours of a node on the upper layers; ``ef_construction`` and
    ``ef_search``, the size of the candidate list while building and searching. Results are ordered
    by (distance, row) and never contain an excluded row. If the graph returns fewer rows than are
    allowed, the query is searched exactly. A nearer item may be missed.

    Items with the same code share a node, since duplicates slow down building (faiss issue 1097).
    The graph is built on one thread: in parallel it may differ between runs (faiss issue 2854;
    not observed with 1.15.1, which was not faster either). Measured on one thread with 256 bits and
    k = 100: 40,981 random codes take 5 s to build, and a query takes 0.2 ms, against 0.06 ms for
    the flat index. It pays off from some hundreds of thousands of items.
    """

    effort: ClassVar[str | None] = "ef_search"

    def __init__(
        self,
        index: faiss.IndexBinaryHNSW,
        nodes: DistinctCodes,
        exact: FlatBackend,
        parameters: Mapping[str, int],
        *,
        fill: bool = True,
    ) -> None:
        super().__init__(index, exact, parameters, fill=fill)
        self._nodes = nodes

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). Raises SearchError on bad parameters."""
        require_exact_distances()
        completed = _complete(parameters)
        exact = FlatBackend.build(codes)
        nodes = DistinctCodes.of(codes)
        index = faiss.IndexBinaryHNSW(exact.bits, completed["m"])
        index.hnsw.efConstruction = completed["ef_construction"]
        with one_thread():
            index.add(nodes.codes)
        return cls(index, nodes, exact, completed)

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Read an index file. Raises ReleaseDamagedError unless it was built from ``codes``."""
        require_exact_distances()
        completed = _complete(parameters)
        check_codes(codes)
        nodes = DistinctCodes.of(codes)
        check_hnsw_file(path, nodes.codes, completed["m"])
        index = read_index(path, faiss.IndexBinaryHNSW)
        return cls(index, nodes, FlatBackend.build(codes), completed)

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return the same graph, searched with a candidate list of ``effort`` nodes."""
        parameters = _complete({**self._parameters, "ef_search": effort})
        return type(self)(self._index, self._nodes, self._exact, parameters, fill=fill)

    @property
    def max_effort(self) -> int:
        """The number of nodes, limited to the maximum of a parameter."""
        return min(len(self._nodes) or 1, _MAX_PARAMETER)

    def _search(
        self,
        codes: NDArray[np.uint8],
        excluded: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
        n_allowed: int,
        results: Results,
    ) -> None:
        distances, rows = results
        width = distances.shape[1]
        for query, out in enumerate(excluded):
            out = np.unique(out if allowed is None else out[allowed[out]])
            distances[query], rows[query] = self._search_one(
                codes[query : query + 1], width, out, allowed, n_allowed
            )

    def _search_one(
        self,
        code: NDArray[np.uint8],
        width: int,
        excluded: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
        n_allowed: int,
    ) -> Results:
        expected = min(width, n_allowed - len(excluded))
        fetched = max(width, self._parameters["ef_search"])
        if fetched < len(self._nodes):
            distances, rows = self._search_graph(code, fetched, excluded, allowed)
            if len(rows) >= expected or not self._fill:
                padded, count = empty_results(1, width), min(expected, len(rows))
                padded[0][0, :count], padded[1][0, :count] = distances[:count], rows[:count]
                return padded
        return self._exact.search(code, width, [excluded], allowed)

    def _search_graph(
        self,
        code: NDArray[np.uint8],
        fetched: int,
        excluded: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> Results:
        """Return the allowed rows of the nodes nearest in the graph, by (distance, row)."""
        selector: AllowedSelector | ExcludedSelector | None = None
        if allowed is not None:
            allowed_nodes = np.zeros(len(self._nodes), np.bool_)
            allowed = allowed.copy()
            allowed[excluded] = False
            allowed_nodes[self._nodes.node_of_row[allowed]] = True
            selector = AllowedSelector(allowed_nodes)
        elif len(excluded_nodes := self._nodes.nodes_within(excluded)):
            selector = ExcludedSelector(excluded_nodes)
        parameters = faiss.SearchParametersHNSW(
            efSearch=fetched, sel=None if selector is None else selector.faiss_selector
        )
        with one_thread():
            node_distances, nodes = self._index.search(code, fetched, params=parameters)
        valid = nodes[0] >= 0
        rows, sizes = self._nodes.rows_of(nodes[0][valid])
        distances = np.repeat(node_distances[0][valid], sizes)
        kept = np.isin(rows, excluded, invert=True)
        if allowed is not None:
            kept &= allowed[rows]
        distances, rows = distances[kept], rows[kept]
        order = np.lexsort((rows, distances))
        return distances[order], rows[order]


def _complete(parameters: Mapping[str, int]) -> dict[str, int]:
    return complete_parameters("hnsw", parameters, _DEFAULTS, _RANGES)
