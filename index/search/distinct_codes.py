"""The distinct codes of a catalogue, and the rows that share each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class DistinctCodes:
    """Nodes 0 … c - 1, one per distinct code, in the order in which the codes first appear.

    Attributes:
        codes: uint8 (c, w), the code of each node.
        node_of_row: int64 (n,), the node of each row.
        grouped_rows: int64 (n,), the rows of node 0 in increasing order, then those of node 1, …
        starts: int64 (c + 1,), where the rows of each node begin in ``grouped_rows``.
    """

    codes: NDArray[np.uint8]
    node_of_row: NDArray[np.int64]
    grouped_rows: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, codes: NDArray[np.uint8]) -> Self:
        """Group the rows of ``codes``, uint8 (n, w)."""
        codes = np.ascontiguousarray(codes)
        values = codes.view(np.dtype((np.void, codes.shape[1]))).ravel()
        _, first, inverse = np.unique(values, return_index=True, return_inverse=True)
        by_appearance = np.argsort(first)
        node = np.empty(len(first), np.int64)
        node[by_appearance] = np.arange(len(first))
        node_of_row = node[inverse]
        counts = np.bincount(node_of_row, minlength=len(first))
        return cls(
            codes=codes[first[by_appearance]],
            node_of_row=node_of_row,
            grouped_rows=np.argsort(node_of_row, kind="stable"),
            starts=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)]),
        )

    def __len__(self) -> int:
        """Return the number of distinct codes."""
        return len(self.codes)

    def rows_of(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of ``nodes``, concatenated, and the number of rows per node."""
        sizes = self.starts[nodes + 1] - self.starts[nodes]
        ends = np.cumsum(sizes)
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
        return self.grouped_rows[np.repeat(self.starts[nodes], sizes) + within], sizes

    def nodes_within(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the nodes whose rows are all in ``rows``, which must be distinct."""
        nodes, counts = np.unique(self.node_of_row[rows], return_counts=True)
        complete: NDArray[np.int64] = nodes[counts == self.starts[nodes + 1] - self.starts[nodes]]
        return complete
