"""What both releases of a night are judged by: its latest pairs."""

from __future__ import annotations

import numpy as np

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.retraining.retraining_data import RetrainingData


def split_latest(
    data: RetrainingData, share: float, seed: int
) -> tuple[Interactions, Interactions]:
    """What a candidate is trained on, and the latest of the new pairs, which it is judged by.

    Users who sent more events than one may are not judged by: theirs might be all of the latest.
    Pairs of which it is not known when they came to be count as older than all others; among
    those, and among pairs of one moment, chance decides.

    Args:
        data: all pairs of the night.
        share: of the new pairs of the other users that is held out, above 0 and below 1.
        seed: of the draw.

    Returns:
        Two sets of pairs over the vocabulary of all.
    """
    fresh = np.flatnonzero(data.judged)
    moments = np.nan_to_num(data.moments[fresh], nan=-np.inf)
    chance = np.random.default_rng(seed).permutation(len(fresh))
    latest = fresh[np.lexsort((chance, moments))[len(fresh) - round(share * len(fresh)) :]]
    held_out = np.zeros(len(data.pairs), np.bool_)
    held_out[latest] = True
    return data.pairs.select(~held_out), data.pairs.select(held_out)
