"""Sort keys that hold distance and row in one number, so that sorting breaks ties by row."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_LOW: Final = (1 << 32) - 1

# Up to this many comparisons, comparing all pairs is faster than a sort.
_MAX_PAIRS: Final = 2**15


def keys_of(
    distances: NDArray[np.integer[Any]], rows: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Return the keys, int64, of distances and rows of one shape; rows are below 2³²."""
    keys = distances.astype(np.int64)
    keys <<= 32
    keys |= rows
    return keys


def rows_of(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of keys."""
    return keys & _LOW


def best_of(keys: NDArray[np.int64], k: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return distances and rows of the up to ``k`` smallest keys, sorted; changes ``keys``."""
    if len(keys) > 4 * k:
        keys = np.partition(keys, k - 1)[:k]
    keys.sort()
    keys = keys[:k]
    return (keys >> 32).astype(np.int32), keys & _LOW


def open_rows(rows: NDArray[np.int64], excluded: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of the rows are not excluded, bool."""
    if len(rows) * len(excluded) > _MAX_PAIRS:
        return np.isin(rows, excluded, invert=True)
    is_open: NDArray[np.bool_] = (rows[:, None] != excluded).all(axis=1)
    return is_open
