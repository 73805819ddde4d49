"""Interactions with and without weights."""

import numpy as np

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items


def some_pairs(weights=None, *, seed=0):
    generator = np.random.default_rng(seed)
    keys = np.sort(generator.choice(30 * 20, 200, replace=False))
    users, items = (keys // 20).astype(np.int32), (keys % 20).astype(np.int32)
    if weights == "some":
        weights = generator.choice([0.2, 0.5, 1.0], len(keys)).astype(np.float32)
    elif weights is not None:
        weights = np.full(len(keys), weights, np.float32)
    pairs = Interactions(
        [f"u{n}" for n in range(30)],
        [f"i{n}" for n in range(20)],
        users,
        items,
        np.arange(len(keys), dtype=np.float64),
        None,
        weights,
    )
    return reorder_items(pairs, popularity_order(pairs))
