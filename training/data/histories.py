"""Users' items in the order in which they were taken."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.interactions import Interactions

__all__ = ["histories"]


def histories(
    pairs: Interactions, users: Iterable[int], generator: np.random.Generator | None = None
) -> list[NDArray[np.int32]]:
    """Return the item rows of each user's pairs, the newest last.

    Args:
        pairs: the pairs; without an order, all pairs of a user are equally old.
        users: rows of users.
        generator: draws the order of equally old pairs; None orders them by item row. Rows are
            often in descending popularity, so a fixed order would not be neutral.
    """
    lists = []
    for user in users:
        part = slice(int(pairs.indptr[user]), int(pairs.indptr[user + 1]))
        items = pairs.items[part]
        order = np.zeros(len(items)) if pairs.order is None else pairs.order[part]
        ties = np.arange(len(items)) if generator is None else generator.permutation(len(items))
        lists.append(items[np.lexsort((ties, order))])
    return lists
