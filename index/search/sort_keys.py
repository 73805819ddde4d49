"""Sort keys of distance and row in one integer, so that sorting breaks ties by row."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_ROW_MASK: Final = (1 << 32) - 1

# Up to this many comparisons, comparing every row with every other is faster than sorting.
_MAX_COMPARISONS: Final = 2**15


def keys_of(
    distances: NDArray[np.integer[Any]], rows: NDArray[np.integer[Any]]
) -> NDArray[np.int64]:
    """Return the keys, int64, of distances and rows of the same shape; rows are below 2³²."""
    keys = distances.astype(np.int64)
    keys <<= 32
    keys |= rows
    return keys


def rows_of(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of keys."""
    return keys & _ROW_MASK


def best_of(keys: NDArray[np.int64], k: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return distances and rows of up to ``k`` smallest keys, sorted; changes ``keys``."""
    if len(keys) > 4 * k:
        keys = np.partition(keys, k - 1)[:k]
    keys.sort()
    keys = keys[:k]
    return (keys >> 32).astype(np.int32), keys & _ROW_MASK


def not_excluded(rows: NDArray[np.int64], excluded: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return a mask of the rows that are not excluded, bool."""
    if len(rows) * len(excluded) > _MAX_COMPARISONS:
        return np.isin(rows, excluded, invert=True)
    mask: NDArray[np.bool_] = (rows[:, None] != excluded).all(axis=1)
    return mask
