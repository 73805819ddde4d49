"""The popular list: shown to users without a code, and the baseline that a release must beat.

Rows are in descending popularity, so the list consists of the first rows that are not excluded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def popular_rows(
    n_items: int,
    k: int,
    exclude: NDArray[np.integer[Any]] | None = None,
    allowed: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Return the rows of the ``k`` most popular items, or fewer if no more are allowed.

    Args:
        n_items: size of the catalogue.
        k: length of the list.
        exclude: rows to leave out, in any order; repetitions are allowed.
        allowed: bool (n_items,), which items may be listed; None for all.
    """
    if allowed is None:
        if exclude is None or not len(exclude):
            return np.arange(min(k, n_items))
        candidates = np.arange(min(k + len(exclude), n_items))
    else:
        candidates = np.flatnonzero(allowed)
        if exclude is None or not len(exclude):
            return candidates[:k]
    return candidates[np.isin(candidates, exclude, invert=True)][:k]


def popular_lists(
    n_items: int, k: int, exclude: Sequence[NDArray[np.integer[Any]] | None]
) -> NDArray[np.int64]:
    """Return one popular list per user: int64 (b, k), padded with -1.

    Args:
        n_items: size of the catalogue.
        k: length of the lists.
        exclude: for each user the rows to leave out, or None.
    """
    lists = np.full((len(exclude), k), -1, np.int64)
    for user, rows in enumerate(exclude):
        popular = popular_rows(n_items, k, rows)
        lists[user, : len(popular)] = popular
    return lists
