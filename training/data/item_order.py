"""The item order that training and releases share: descending popularity.

Items at equal Hamming distance are ranked by row, so this order breaks ties. Training orders the
items before it starts, and its rows are the rows of the release.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions


def popularity_order(interactions: Interactions) -> NDArray[np.int64]:
    """Return item rows by descending number of pairs, int64 (n,); the sort is stable."""
    return np.argsort(-interactions.item_degrees, kind="stable")


def reorder_items(interactions: Interactions, order: NDArray[np.int64]) -> Interactions:
    """Return the same pairs with item ``order[r]`` at row r.

    Args:
        interactions: pairs over n items.
        order: int64 (n,), a permutation of the item rows.
    """
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return collapse(
        interactions.user_ids,
        [interactions.item_ids[row] for row in order],
        interactions.users,
        rank[interactions.items],
        interactions.times,
        interactions.places,
        interactions.weights,
        order=interactions.order,
    )
