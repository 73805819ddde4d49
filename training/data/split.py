"""Holding out a part of the interactions: by time, at random for each user, or each's latest."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import DataError

__all__ = ["Cut", "by_time", "cut_validation", "random_per_user"]

Cut = Literal["random", "latest"]

# Streams of one seed, so that a validation split does not echo the test split cut before it.
TEST_STREAM = 0
VALIDATION_STREAM = 1


def by_time(interactions: Interactions, fraction: float) -> tuple[Interactions, Interactions]:
    """Train and held-out pairs: the latest fraction of all pairs, of whatever user, is held out.

    The number held out is `fraction * nnz`, rounded, at least 1 and at most nnz - 1. Where times
    tie at the border, pairs of later rows count as later. A user may end up on one side only.

    Raises:
        DataError: the fraction is not between 0 and 1, or there are no times.
    """
    _check_fraction(fraction)
    if interactions.times is None:
        raise DataError(
            "a split by time needs times, and these interactions have none; "
            "name the time column, or split at random"
        )
    n = len(interactions)
    n_held_out = max(min(max(round(fraction * n), 1), n - 1), 0)
    held_out = np.zeros(n, bool)
    held_out[np.argsort(interactions.times, kind="stable")[n - n_held_out :]] = True
    return interactions.select(~held_out), interactions.select(held_out)


def random_per_user(
    interactions: Interactions, fraction: float, seed: int
) -> tuple[Interactions, Interactions]:
    """Train and held-out pairs: of each user's d pairs, `fraction * d` at random are held out.

    `fraction * d` is rounded up or down at random so that its mean is kept, which lets users of
    few pairs take part; each user keeps at least 1 pair. The same interactions and seed give the
    same split.

    Raises:
        DataError: the fraction is not between 0 and 1, or the seed is negative.
    """
    return _per_user(interactions, fraction, seed, TEST_STREAM)


def cut_validation(
    train: Interactions, fraction: float, seed: int, cut: Cut = "random"
) -> tuple[Interactions, Interactions]:
    """Fit and validation pairs of the train split, random ones of each user or its latest.

    As `random_per_user`, from another stream of the seed. The latest pairs are those of the
    latest times; without times, and where they tie, those that came last in what was read. An
    item may lose all its pairs to validation: it stays in the vocabulary, with degree 0 in fit.

    Raises:
        DataError: the fraction is not between 0 and 1, or the seed is negative; or the latest are
            asked for and neither times nor the order of the rows are known.
    """
    ages = None
    if cut == "latest":
        known = [order for order in (train.places, train.times) if order is not None]
        if not known:
            raise DataError(
                "to hold out each user's latest interactions, their times or their order must be "
                "known; hold out random ones"
            )
        ages = np.empty(len(train))
        ages[np.lexsort(known)[::-1]] = np.arange(len(train))
    return _per_user(train, fraction, seed, VALIDATION_STREAM, ages)


def _per_user(
    interactions: Interactions,
    fraction: float,
    seed: int,
    stream: int,
    ages: NDArray[np.float64] | None = None,
) -> tuple[Interactions, Interactions]:
    """Hold out each user's pairs of the smallest ages, random ones where there are none."""
    _check_fraction(fraction)
    if seed < 0:
        raise DataError(f"a seed must be 0 or more, not {seed}")
    generator = np.random.default_rng([seed, stream])
    degrees = interactions.user_degrees
    wanted = np.floor(fraction * degrees + generator.random(len(degrees))).astype(np.int64)
    n_held_out = np.minimum(wanted, np.maximum(degrees - 1, 0))
    users: NDArray[np.int64] = interactions.users.astype(np.int64)
    # Pairs are sorted by user: position less the start of the user is the rank among its own.
    shuffled = np.lexsort((generator.random(len(users)) if ages is None else ages, users))
    rank = np.empty(len(users), np.int64)
    rank[shuffled] = np.arange(len(users)) - interactions.indptr[users]
    held_out = rank < n_held_out[users]
    return interactions.select(~held_out), interactions.select(held_out)


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction < 1:
        raise DataError(f"the fraction held out must lie between 0 and 1, not {fraction}")
