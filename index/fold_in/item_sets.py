"""Rows of items: as sets, and in the order in which a user took them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError

# Up to this many items, a dict is faster than np.unique.
_FEW = 64


def newest_first(items: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Return distinct rows, the newest first.

    Args:
        items: rows, the newest last; the last of several occurrences counts.
    """
    reverse = items[::-1]
    if len(reverse) <= _FEW:
        return np.array(list(dict.fromkeys(reverse.tolist())), items.dtype)
    _, first = np.unique(reverse, return_index=True)
    distinct: NDArray[np.integer[Any]] = reverse[np.sort(first)]
    return distinct


def contains_all(increasing: NDArray[np.integer[Any]], values: NDArray[np.integer[Any]]) -> bool:
    """Return whether an increasing array contains all of ``values``."""
    return bool(are_in(values, increasing).all())


def are_in(
    values: NDArray[np.integer[Any]], increasing: NDArray[np.integer[Any]]
) -> NDArray[np.bool_]:
    """Return which of ``values`` an increasing array contains, bool (b,)."""
    if not increasing.size:
        return np.zeros(len(values), np.bool_)
    places = increasing.searchsorted(values)
    return np.asarray(increasing.take(places, mode="clip") == values)


def check_rows(rows: NDArray[np.integer[Any]], n_rows: int, name: str) -> None:
    """Raise SearchError if a set of rows is empty, or has a row outside 0 … ``n_rows`` - 1."""
    if rows.size == 0:
        raise SearchError(f"{name} is empty: no code can be made from it")
    if rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n_rows:
        raise SearchError(f"{name} has a row outside 0 … {n_rows - 1}")
