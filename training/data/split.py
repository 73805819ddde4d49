"""Hold out interactions: the latest, the latest of each user, or random ones of each user."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.ages import ages_by_user
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import DataError

__all__ = [
    "Cut",
    "by_time",
    "cut_validation",
    "describe_cut",
    "first_order",
    "held_out_pairs",
    "latest_per_user",
    "random_per_user",
    "takes_latest",
]

Cut = Literal["auto", "random", "latest"]

# Separate random streams, so that the validation split is independent of the test split.
TEST_STREAM = 0
VALIDATION_STREAM = 1


def by_time(interactions: Interactions, fraction: float) -> NDArray[np.bool_]:
    """Return the latest fraction of all pairs, over all users together, bool (nnz,).

    ``fraction * nnz`` pairs are held out, rounded, at least 1 and at most nnz - 1. Of pairs with
    equal times, those in later rows count as later. A user may have all pairs on one side.

    Raises:
        DataError: the fraction is not between 0 and 1, or the interactions have no times.
    """
    _check_fraction(fraction)
    if interactions.times is None:
        raise DataError(
            "a split by time needs times, but these interactions have none; "
            "name the time column with --time-column NAME, or use --split random (or --split "
            "latest with --lines-in-order)"
        )
    n = len(interactions)
    n_held_out = max(min(max(round(fraction * n), 1), n - 1), 0)
    held_out = np.zeros(n, bool)
    held_out[np.argsort(interactions.times, kind="stable")[n - n_held_out :]] = True
    return held_out


def random_per_user(
    interactions: Interactions, fraction: float, seed: int
) -> tuple[Interactions, Interactions]:
    """Hold out ``fraction * d`` random pairs of each user with d pairs.

    ``fraction * d`` is rounded up or down at random, with its mean unchanged, so that users with
    few pairs also contribute. Each user keeps at least 1 pair. The same interactions and seed give
    the same split.

    Returns:
        train and held-out pairs.

    Raises:
        DataError: the fraction is not between 0 and 1, or the seed is negative.
    """
    held_out = _latest_or_random(interactions, fraction, seed, TEST_STREAM)
    return interactions.select(~held_out), interactions.select(held_out)


def latest_per_user(interactions: Interactions, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Return each user's pairs with the latest first rows, bool (nnz,).

    They are as many as ``random_per_user`` holds out; of pairs with equal times, random ones.

    Raises:
        DataError: the fraction is not between 0 and 1, the seed is negative, or the order is
            unknown.
    """
    if interactions.order is None:
        raise DataError(
            "to hold out each user's latest interactions, their order must be known; name the time "
            "column with --time-column NAME, or pass --lines-in-order if lines are in order"
        )
    ages = ages_by_user(interactions.users, first_order(interactions))
    return _latest_or_random(interactions, fraction, seed, TEST_STREAM, ages)


def first_order(interactions: Interactions) -> NDArray[np.number[Any]]:
    """Return the order of each pair's first row, (nnz,): its time, or else its position."""
    if interactions.times is not None:
        return interactions.times
    if interactions.places is None:
        raise ValueError("these interactions have neither times nor places")
    return interactions.places


def cut_validation(
    train: Interactions, fraction: float, seed: int, cut: Cut = "random"
) -> tuple[Interactions, Interactions]:
    """Split the train split into fit and validation pairs, at random or by recency per user.

    Works as ``random_per_user``, with another stream of the seed. The latest pairs are those with
    the smallest ages, of equal ages random ones; without an order, those that were read last. An
    item may lose all its pairs to validation: it stays in the vocabulary, with degree 0 in fit.
    ``auto`` takes the latest pairs if the order is known.

    Returns:
        fit and validation pairs.

    Raises:
        DataError: the fraction is not between 0 and 1, the seed is negative, or ``cut`` is
            ``latest`` and neither times nor the order of the rows are known.
    """
    ages: NDArray[np.number[Any]] | None = None
    if takes_latest(train, cut):
        if train.order is not None:
            ages = ages_by_user(train.users, train.order)
        elif train.places is not None:
            ages = -train.places
        else:
            raise DataError(
                "to hold out each user's latest interactions, their times or their order must be "
                "known; hold out random interactions instead"
            )
    held_out = _latest_or_random(train, fraction, seed, VALIDATION_STREAM, ages)
    return train.select(~held_out), train.select(held_out)


def takes_latest(train: Interactions, cut: Cut) -> bool:
    """Return whether a cut holds out each user's latest pairs, and not random ones."""
    return cut == "latest" or (cut == "auto" and train.is_ordered)


def describe_cut(train: Interactions, fraction: float, cut: Cut) -> str:
    """Describe the pairs that ``cut_validation`` holds out."""
    share = f"{fraction:.0%} of each user's interactions"
    if takes_latest(train, cut):
        return f"the latest {share}, by {train.order_name}"
    if cut == "auto" and train.order is not None:
        return f"a random {share}, because most users' interactions have equal times"
    return f"a random {share}"


def _latest_or_random(
    interactions: Interactions,
    fraction: float,
    seed: int,
    stream: int,
    ages: NDArray[np.number[Any]] | None = None,
) -> NDArray[np.bool_]:
    """Return each user's pairs with the smallest ages, or random pairs without ages."""
    _check_fraction(fraction)
    if seed < 0:
        raise DataError(f"a seed must be 0 or more, not {seed}")
    generator = np.random.default_rng([seed, stream])
    return held_out_pairs(interactions.users, interactions.n_users, fraction, generator, ages)


def held_out_pairs(
    users: NDArray[np.integer],
    n_users: int,
    fraction: float,
    generator: np.random.Generator,
    ages: NDArray[np.number[Any]] | None = None,
) -> NDArray[np.bool_]:
    """Return which pairs to hold out, bool (nnz,): each user's with the smallest ages.

    Each user keeps at least one pair. ``fraction`` of a user's pairs is rounded up or down at
    random, so users with few pairs take part.

    Args:
        users: (nnz,) user rows, ascending.
        n_users: number of users.
        fraction: share of each user's pairs, between 0 and 1.
        generator: draws the rounding, and the pairs of equal ages.
        ages: (nnz,), smaller for later pairs; None holds out random pairs.
    """
    degrees = np.bincount(users, minlength=n_users)
    counts = np.floor(fraction * degrees + generator.random(n_users)).astype(np.int64)
    n_held_out = np.minimum(counts, np.maximum(degrees - 1, 0))
    ties = generator.random(len(users))
    shuffled = np.lexsort((ties, users) if ages is None else (ties, ages, users))
    # Pairs are sorted by user: position minus the user's start is the rank within the user.
    starts = np.cumsum(degrees) - degrees
    rank = np.empty(len(users), np.int64)
    rank[shuffled] = np.arange(len(users)) - starts[users]
    return np.asarray(rank < n_held_out[users])


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction < 1:
        raise DataError(f"the held-out fraction must lie between 0 and 1, not {fraction}")
