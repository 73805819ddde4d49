"""The order of items that the whole system shares: descending popularity.

Equal Hamming distances go to the smaller row, so this order is how ties are broken. Training works
in it from the start, and its rows are the release's rows.
"""

from __future__ import annotations

import numpy as np

from training.data.interactions import Interactions, collapse


def by_popularity(interactions: Interactions) -> Interactions:
    """The same pairs with items renumbered by descending number of pairs.

    Items of equal popularity keep their order.
    """
    order = np.argsort(-interactions.item_degrees, kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return collapse(
        interactions.user_ids,
        [interactions.item_ids[row] for row in order],
        interactions.users,
        rank[interactions.items],
        interactions.times,
    )
