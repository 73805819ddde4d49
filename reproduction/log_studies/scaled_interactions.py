"""Interactions of a fraction of a data set's users, or of several times as many."""

import numpy as np

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions


def scaled(pairs: Interactions, scale: float) -> Interactions:
    """Return a fraction of the users, or copies of them that differ in a tenth of their items."""
    rng = np.random.default_rng(0)
    users, items = pairs.users.astype(np.int64), pairs.items.astype(np.int64)
    if scale < 1:
        kept = np.sort(rng.permutation(pairs.n_users)[: int(scale * pairs.n_users)])
        inside = np.isin(users, kept)
        users, items = users[inside], items[inside]
    n_users, copies = pairs.n_users, max(1, round(scale))
    many_users = np.concatenate([users + copy * n_users for copy in range(copies)])
    many_items = np.tile(items, copies)
    redrawn = rng.random(len(many_items)) < 0.1
    redrawn[: len(items)] = False
    # Redrawn in proportion to popularity.
    many_items[redrawn] = rng.choice(items, int(redrawn.sum()))
    ids = [str(row) for row in range(copies * n_users)]
    return collapse(
        ids, pairs.item_ids, many_users.astype(np.int32), many_items.astype(np.int32)
    ).compact()
