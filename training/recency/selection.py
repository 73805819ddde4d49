"""Choosing a setting by the scores of users, without choosing by noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

Setting = TypeVar("Setting")

# Standard errors by which the best setting has to be better than no effect, and than a simpler
# setting. The first is larger, because the best of many settings is better by chance.
_OF_EFFECT: Final = 2.0
_OF_SETTING: Final = 1.0


def simplest_within_noise(candidates: Sequence[tuple[Setting, NDArray[np.float64]]]) -> Setting:
    """Return the first setting whose mean score is within noise of the best mean.

    Noise is two standard errors for the first setting, which has no effect, and one for the others.
    The standard error is that of the mean difference over users between two settings, so that
    differences between users do not count.

    Args:
        candidates: settings, the simplest first, with the score of each user, float64 (b,), b > 0.
    """
    _, best = max(candidates, key=lambda candidate: float(candidate[1].mean()))
    limit = _OF_EFFECT
    for setting, scores in candidates:
        difference = best - scores
        if difference.mean() <= limit * difference.std() / np.sqrt(len(difference)):
            return setting
        limit = _OF_SETTING
    raise AssertionError("the best setting is within noise of itself")
