"""Approximate search over a navigable small-world graph (HNSW), for millions of items."""

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
    check_exclude,
    check_search,
    empty_results,
)
from bitrecall.index.search.distinct_codes import DistinctCodes
from bitrecall.index.search.faiss_io import read_index, write_index
from bitrecall.index.search.faiss_layout import check_hnsw_file
from bitrecall.index.search.faiss_selectors import ClosedSelection, Selection
from bitrecall.index.search.faiss_simd import require_exact_distances
from bitrecall.index.search.faiss_threads import one_thread
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import check_codes
from bitrecall.index.search.protocol import Results

# If at most one row in this many is allowed, an exact scan is faster than the graph.
_EXACT_ONE_IN = 16

_MAX_PARAMETER = 2**16

_DEFAULTS = {"m": 16, "ef_construction": 100, "ef_search": 128}


class HnswBackend:
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
        self._fill = fill
        self._index = index
        self._nodes = nodes
        self._exact = exact
        self._parameters = dict(parameters)

    @classmethod
    def build(cls, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Build over item codes, uint8 (n, bits/8). Raises SearchError on bad parameters."""
        require_exact_distances()
        filled = _filled(parameters)
        exact = FlatBackend.build(codes)
        nodes = DistinctCodes.of(codes)
        index = faiss.IndexBinaryHNSW(exact.bits, filled["m"])
        index.hnsw.efConstruction = filled["ef_construction"]
        with one_thread():
            index.add(nodes.codes)
        return cls(index, nodes, exact, filled)

    @classmethod
    def load(cls, path: Path, codes: NDArray[np.uint8], **parameters: int) -> Self:
        """Read an index file. Raises ReleaseDamagedError unless it was built from ``codes``."""
        require_exact_distances()
        filled = _filled(parameters)
        check_codes(codes)
        nodes = DistinctCodes.of(codes)
        check_hnsw_file(path, nodes.codes, filled["m"])
        index = read_index(path, faiss.IndexBinaryHNSW)
        return cls(index, nodes, FlatBackend.build(codes), filled)

    def save(self, path: Path) -> None:
        """Write the graph and the distinct codes in FAISS's format."""
        write_index(self._index, path)

    def with_effort(self, effort: int, *, fill: bool = True) -> Self:
        """Return the same graph, searched with a candidate list of ``effort``."""
        parameters = _filled({**self._parameters, "ef_search": effort})
        return type(self)(self._index, self._nodes, self._exact, parameters, fill=fill)

    @property
    def most_effort(self) -> int:
        """The number of nodes, limited to the maximum of a parameter."""
        return min(len(self._nodes) or 1, _MAX_PARAMETER)

    @property
    def parameters(self) -> Mapping[str, int]:
        """``m``, ``ef_construction`` and ``ef_search``."""
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
        rows_excluded = (
            no_rows if exclude is None else check_exclude(exclude, len(codes), len(self))
        )
        distances, rows = empty_results(len(codes), k)
        width = min(k, len(self))
        if width == 0:
            return distances, rows
        if allowed is not None:
            n_allowed = int(np.count_nonzero(check_allowed(allowed, len(self))))
            if n_allowed * _EXACT_ONE_IN <= len(self):
                return self._exact.search(codes, k, rows_excluded, allowed)
        for query, excluded in enumerate(rows_excluded):
            excluded = np.unique(excluded if allowed is None else excluded[allowed[excluded]])
            results = self._search_one(codes[query : query + 1], width, excluded, allowed)
            distances[query, :width], rows[query, :width] = results
        return distances, rows

    def _search_one(
        self,
        code: NDArray[np.uint8],
        width: int,
        excluded: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> Results:
        n_allowed = len(self) if allowed is None else int(np.count_nonzero(allowed))
        expected = min(width, n_allowed - len(excluded))
        fetched = max(width, self._parameters["ef_search"])
        if fetched < len(self._nodes):
            distances, rows = self._search_graph(code, fetched, excluded, allowed)
            if len(rows) >= expected or not self._fill:
                filled, count = empty_results(1, width), min(expected, len(rows))
                filled[0][0, :count], filled[1][0, :count] = distances[:count], rows[:count]
                return filled
        return self._exact.search(code, width, [excluded], allowed)

    def _search_graph(
        self,
        code: NDArray[np.uint8],
        fetched: int,
        excluded: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> Results:
        """Return the allowed rows of the nodes nearest in the graph, by (distance, row)."""
        selection: Selection | ClosedSelection | None = None
        if allowed is not None:
            open_nodes = np.zeros(len(self._nodes), np.bool_)
            allowed = allowed.copy()
            allowed[excluded] = False
            open_nodes[self._nodes.node_of_row[allowed]] = True
            selection = Selection(open_nodes)
        elif len(closed := self._nodes.closed_by(excluded)):
            selection = ClosedSelection(closed)
        parameters = faiss.SearchParametersHNSW(
            efSearch=fetched, sel=None if selection is None else selection.selector
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


def _filled(parameters: Mapping[str, int]) -> dict[str, int]:
    """Return the parameters with the defaults filled in."""
    unknown = parameters.keys() - _DEFAULTS.keys()
    if unknown:
        raise SearchError(
            f"unknown parameters {sorted(unknown)} of the hnsw backend; known: {sorted(_DEFAULTS)}"
        )
    filled = _DEFAULTS | dict(parameters)
    for name, value in filled.items():
        least = 2 if name == "m" else 1
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not least <= value <= _MAX_PARAMETER
        ):
            raise SearchError(
                f"{name} must be a whole number from {least} to {_MAX_PARAMETER}, not {value!r}"
            )
    return filled
