"""The held-out pairs of a retraining run: its latest pairs, by which the gate compares releases."""

from __future__ import annotations

import numpy as np

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.retraining.retraining_data import RetrainingData


def split_latest(
    data: RetrainingData, share: float, seed: int
) -> tuple[Interactions, Interactions]:
    """Split off the latest new pairs, which the gate compares releases by.

    Pairs of users above the limit of events per user are not held out, since they might be all of
    the latest ones. Pairs without a time count as older than all others. Ties are broken at random.

    Args:
        data: all pairs of the run.
        share: share of the other users' new pairs that is held out, above 0 and below 1.
        seed: seed of the tie-breaking.

    Returns:
        The training pairs and the held-out pairs, over one vocabulary.
    """
    fresh = np.flatnonzero(data.judged)
    moments = np.nan_to_num(data.moments[fresh], nan=-np.inf)
    chance = np.random.default_rng(seed).permutation(len(fresh))
    latest = fresh[np.lexsort((chance, moments))[len(fresh) - round(share * len(fresh)) :]]
    held_out = np.zeros(len(data.pairs), np.bool_)
    held_out[latest] = True
    return data.pairs.select(~held_out), data.pairs.select(held_out)
