"""What both releases of a night are judged by: its latest pairs."""

from __future__ import annotations

import numpy as np

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.retraining.collect import Gathered


def cut_latest(gathered: Gathered, share: float, seed: int) -> tuple[Interactions, Interactions]:
    """What a candidate is trained on, and the latest of the new pairs, which it is judged by.

    Users who sent more events than one may are not judged by: theirs might be all of the latest.
    Pairs of which it is not known when they came to be count as older than all others; among
    those, and among pairs of one moment, chance decides.

    Args:
        gathered: all pairs of the night.
        share: of the new pairs of the other users that is held out, above 0 and below 1.
        seed: of the draw.

    Returns:
        Two sets of pairs over the vocabulary of all.
    """
    fresh = np.flatnonzero(gathered.judged)
    moments = np.nan_to_num(gathered.moments[fresh], nan=-np.inf)
    chance = np.random.default_rng(seed).permutation(len(fresh))
    latest = fresh[np.lexsort((chance, moments))[len(fresh) - round(share * len(fresh)) :]]
    held_out = np.zeros(len(gathered.pairs), np.bool_)
    held_out[latest] = True
    return gathered.pairs.select(~held_out), gathered.pairs.select(held_out)
