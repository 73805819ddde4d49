"""Whether a response of Milvus contains the true nearest items, ties included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.search.protocol import Results
from bitrecall.index.search.sort_keys import best_of, keys_of, not_excluded


class QueryFilter(NamedTuple):
    """The rows that may be returned to one query.

    Attributes:
        excluded: int64, rows that must not be returned.
        allowed: bool (n,), rows that may be returned; None for all.
    """

    excluded: NDArray[np.int64]
    allowed: NDArray[np.bool_] | None

    def accepts(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the rows may be returned, bool."""
        accepted = not_excluded(rows, self.excluded)
        return accepted if self.allowed is None else accepted & self.allowed[rows]


def nearest_if_complete(
    response: Results, limit: int, k: int, row_filter: QueryFilter
) -> Results | None:
    """Return the ``k`` nearest accepted rows of a response; None if Milvus may have omitted one.

    A response with fewer rows than ``limit`` is complete. Otherwise Milvus may have omitted rows at
    the distance of the last one, but no nearer ones.

    Args:
        response: distances, int32 (r,), and rows, int64 (r,), of one query.
        limit: number of rows that Milvus was to return.
        k: number of items.
        row_filter: the rows that may be returned.
    """
    distances, rows = response
    accepted = row_filter.accepts(rows)
    if len(rows) >= limit and np.count_nonzero(accepted & (distances < distances.max())) < k:
        return None
    return best_of(keys_of(distances[accepted], rows[accepted]), k)


def merge(parts: Sequence[Results], k: int) -> Results:
    """Return the ``k`` nearest rows of several results of one query."""
    distances, rows = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return best_of(keys_of(distances, rows), k)
