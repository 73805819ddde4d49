"""Holding out pairs of an edge list to fit a ranker on."""

from __future__ import annotations

import numpy as np

from bitrecall.training.model.graph import EdgeList


def hold_out(edges: EdgeList, share: float, seed: int) -> tuple[EdgeList, EdgeList]:
    """Split pairs: each user's latest if their order is known, otherwise random ones.

    Each user keeps at least one pair. The number held out is rounded up or down at random, so users
    with few pairs take part.

    Args:
        edges: the pairs.
        share: share of each user's pairs to hold out, between 0 and 1.
        seed: seed of the random draws.

    Returns:
        The remaining pairs and the held-out ones, over the same users and items.
    """
    generator = np.random.default_rng(seed)
    users = edges.users.cpu().numpy()
    degrees = np.bincount(users, minlength=edges.n_users)
    counts = np.floor(share * degrees + generator.random(edges.n_users)).astype(np.int64)
    counts = np.minimum(counts, np.maximum(degrees - 1, 0))
    if edges.ages is None:
        shuffled = np.lexsort((generator.random(len(users)), users))
        starts = np.concatenate([[0], np.cumsum(degrees)])
        ages = np.empty(len(users), np.int64)
        ages[shuffled] = np.arange(len(users)) - starts[users[shuffled]]
    else:
        ages = edges.ages.cpu().numpy().astype(np.int64)
    held_out = ages < counts[users]
    return edges.select(~held_out), edges.select(held_out)
