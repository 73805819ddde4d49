"""The order of items that the whole system shares: descending popularity.

Equal Hamming distances go to the smaller row, so this order is how ties are broken. Training works
in it from the start, and its rows are the release's rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions


def popularity_order(interactions: Interactions) -> NDArray[np.int64]:
    """Item rows by descending number of pairs, int64 (n,); equal ones keep their order."""
    return np.argsort(-interactions.item_degrees, kind="stable")


def reorder_items(interactions: Interactions, order: NDArray[np.int64]) -> Interactions:
    """The same pairs, with item ``order[r]`` at row r.

    Args:
        interactions: any pairs over n items.
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
    )
