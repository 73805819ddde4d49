"""Build interactions from rows in any order, with repeated pairs merged."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import PairWeight

__all__ = ["collapse"]

_ROWS_AT_ONCE: Final = 4_000_000


def collapse(
    user_ids: list[str],
    item_ids: list[str],
    users: NDArray[np.int32],
    items: NDArray[np.int32],
    times: NDArray[np.float64] | None = None,
    places: NDArray[np.int64] | None = None,
    weights: NDArray[np.floating[Any]] | None = None,
    pair_weight: PairWeight = PairWeight.MAX,
    order: NDArray[np.float64] | None = None,
) -> Interactions:
    """Build interactions from rows in any order; a repeated pair keeps its earliest row.

    Its order is that of its latest row: an item that a user takes again is as recent as that.

    Args:
        user_ids: m distinct, non-empty strings.
        item_ids: n distinct, non-empty strings.
        users: int32 (rows,), rows of ``user_ids``.
        items: int32 (rows,), rows of ``item_ids``.
        times: float64 (rows,) in seconds, or None.
        places: int64 (rows,), position of each row in the source; None numbers the rows as they
            are passed.
        weights: (rows,), above 0; None weights all pairs alike, however often they occur.
        pair_weight: weight of a pair that occurs several times.
        order: float64 (rows,), larger for later rows of the same user; None takes the times.

    Raises:
        DataError: the arrays are not valid, see ``Interactions``.
    """
    # Checks the arrays.
    row_order = Interactions(user_ids, item_ids, users, items, times, order=order).order
    by_user = np.argsort(users, kind="stable")
    ends = np.cumsum(np.bincount(users, minlength=len(user_ids)))
    kept: list[NDArray[np.int64]] = []
    pair_weights: list[NDArray[np.float32]] = []
    last_order: list[NDArray[np.float64]] = []
    start = 0
    # Sort a few million rows at a time, always all rows of a user: this needs less memory.
    while start < len(by_user):
        last = int(np.searchsorted(ends, start + _ROWS_AT_ONCE))
        end = int(ends[min(last, len(ends) - 1)])
        rows = by_user[start:end]
        keys = users[rows].astype(np.int64) * max(len(item_ids), 1) + items[rows]
        by_key = (
            np.argsort(keys, kind="stable") if times is None else np.lexsort((times[rows], keys))
        )
        rows, keys = rows[by_key], keys[by_key]
        first = np.ones(len(keys), bool)
        first[1:] = keys[1:] != keys[:-1]
        kept.append(rows[first])
        if weights is not None:
            pair_weights.append(_weights_of_pairs(weights[rows], first, pair_weight))
        if row_order is not None and len(rows):
            last_order.append(np.maximum.reduceat(row_order[rows], np.flatnonzero(first)))
        start = end
    del by_user
    chosen = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    kept.clear()
    if order is None and len(chosen) == len(users):
        row_order = None  # that of the times
    return Interactions(
        user_ids,
        item_ids,
        users[chosen],
        items[chosen],
        None if times is None else times[chosen],
        (chosen if places is None else places[chosen]).astype(np.int64, copy=False),
        None if weights is None else np.concatenate([np.zeros(0, np.float32), *pair_weights]),
        None if row_order is None else np.concatenate([np.zeros(0, np.float64), *last_order]),
    )


def _weights_of_pairs(
    weights: NDArray[np.floating[Any]], first: NDArray[np.bool_], pair_weight: PairWeight
) -> NDArray[np.float32]:
    """Combine the weights of each run of rows; ``first`` marks the first row of each run."""
    starts = np.flatnonzero(first)
    if not len(starts):
        return np.zeros(0, np.float32)
    combine = np.maximum if pair_weight is PairWeight.MAX else np.add
    return combine.reduceat(weights.astype(np.float64), starts).astype(np.float32)
