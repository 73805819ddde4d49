"""Holding out pairs of an edge list to fit a ranker on."""

from __future__ import annotations

import numpy as np

from bitrecall.training.data.split import held_out_pairs
from bitrecall.training.model.graph import EdgeList


def hold_out(edges: EdgeList, share: float, seed: int) -> tuple[EdgeList, EdgeList]:
    """Split pairs: each user's latest if their order is known, otherwise random ones.

    Args:
        edges: the pairs.
        share: share of each user's pairs to hold out, between 0 and 1; each user keeps at least
            one.
        seed: seed of the random draws.

    Returns:
        The remaining pairs and the held-out ones, over the same users and items.
    """
    held_out = held_out_pairs(
        edges.users.cpu().numpy(),
        edges.n_users,
        share,
        np.random.default_rng(seed),
        None if edges.ages is None else edges.ages.cpu().numpy(),
    )
    return edges.select(~held_out), edges.select(held_out)
