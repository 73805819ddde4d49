"""Repeats: which place a user's own items take in a list that does not leave them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.row_lists import RowLists

MAX_DECAY: Final = 10_000.0
"""Largest decay, in interactions."""

MAX_BINS: Final = 100
"""Largest number of bins of own items, and of other items."""

MAX_COUNT: Final = 2**16 - 1
"""Larger numbers of interactions are stored as this one."""

# No rate, count or rank of a list is larger.
_LARGEST: Final = 2**53


@dataclass(frozen=True)
class Repeats:
    """How often users take their own items again, and other items; measured when publishing.

    An interaction's age is the number of the user's later interactions, repeated ones included. The
    decayed count of a user's item is the sum of exp(-age/decay) over the interactions with it.
    Rates are shares of items that were taken in the same held-out interactions.

    Attributes:
        decay: τ, in interactions.
        counts: smallest decayed count of each bin of own items, rising from 0.
        own_rates: share of the own items of each bin that were taken again, never falling.
        ranks: first rank of each bin of the other items by distance, rising from 1.
        other_rates: share of the other items of each bin that were taken, never rising.
    """

    decay: float
    counts: tuple[float, ...]
    own_rates: tuple[float, ...]
    ranks: tuple[int, ...]
    other_rates: tuple[float, ...]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """Build from the fields as JSON holds them: lists in place of tuples."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()
        }
        return cls(**values)

    def fault(self) -> str | None:
        """Return what is wrong with the values, or None."""
        if not _is_number(self.decay) or not 0 < self.decay <= MAX_DECAY:
            return f"decay is {self.decay!r}: expected more than 0 and at most {MAX_DECAY:g}"
        for bins, rates in (("counts", "own_rates"), ("ranks", "other_rates")):
            starts, shares = getattr(self, bins), getattr(self, rates)
            if not 0 < len(starts) == len(shares) <= MAX_BINS:
                return (
                    f"{bins} has {len(starts)} values and {rates} {len(shares)}: expected as many, "
                    f"from 1 to {MAX_BINS}"
                )
            if not all(map(_is_number, (*starts, *shares))):
                return f"{bins} or {rates} has a value that is not a finite number"
            if any(first >= second for first, second in pairwise(starts)):
                return f"{bins} does not rise"
            if not all(0 <= share <= 1 for share in shares):
                return f"{rates} has a value outside 0 … 1"
        if self.counts[0] != 0 or self.ranks[0] != 1:
            return "counts do not start at 0, or ranks at 1"
        if not all(isinstance(rank, int) for rank in self.ranks):
            return "ranks has a value that is not an integer"
        if any(first > second for first, second in pairwise(self.own_rates)):
            return "own_rates falls"
        if any(first < second for first, second in pairwise(self.other_rates)):
            return "other_rates rises"
        return None

    def describe(self) -> str:
        """Describe the values in a sentence, for users of the command line."""
        return (
            f"with exclude_seen off, own items are listed by how often they were taken (decay "
            f"{self.decay:g} interactions): {self.own_rates[-1]:.1%} of those taken most were "
            f"taken again, and {self.other_rates[0]:.1%} of the nearest other items"
        )


class OwnItems(NamedTuple):
    """The items of a user, and how often the user took them.

    Attributes:
        rows: int64 (h,), increasing.
        decayed: float64 (h,), decayed counts.
        counts: int64 (h,), numbers of interactions.
    """

    rows: NDArray[np.int64]
    decayed: NDArray[np.float64]
    counts: NDArray[np.int64]

    def select(self, chosen: NDArray[np.bool_]) -> OwnItems:
        """Return the items that a mask, bool (h,), selects."""
        return OwnItems(self.rows[chosen], self.decayed[chosen], self.counts[chosen])


NO_OWN_ITEMS: Final = OwnItems(np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))


def with_later(own: OwnItems, later: NDArray[np.integer[Any]], decay: float) -> OwnItems:
    """Return a user's items after later interactions.

    Args:
        own: the items before.
        later: rows of the items of later interactions, repetitions included, the newest last.
        decay: τ, in interactions.
    """
    if not len(later):
        return own
    rows, places = np.unique(np.concatenate([own.rows, later]), return_inverse=True)
    before, after = places[: len(own.rows)], places[len(own.rows) :]
    decayed, counts = np.zeros(len(rows)), np.zeros(len(rows), np.int64)
    decayed[before] = own.decayed * np.exp(-len(later) / decay)
    counts[before] = own.counts
    decayed += np.bincount(after, np.exp(-np.arange(len(later))[::-1] / decay), len(rows))
    counts += np.bincount(after, minlength=len(rows))
    return OwnItems(rows.astype(np.int64), decayed, counts)


def merged_places(
    repeats: Repeats, decayed: NDArray[np.floating[Any]], n_others: int, k: int
) -> NDArray[np.int64]:
    """Return a list of own and other items by descending rate.

    Of equal rates, own items come first, those with the larger decayed count first.

    Args:
        repeats: the rates.
        decayed: (h,), decayed counts of the own items, in the order of their rows.
        n_others: number of other items, which are in the order of their ranks.
        k: length of the list.

    Returns:
        int64 (min(k, h + n_others),): a place p < h is own item p, and p ≥ h other item p - h.
    """
    own = np.argsort(-decayed, kind="stable")[:k]
    bins = np.searchsorted(np.array(repeats.counts), decayed[own], side="right") - 1
    ranks = np.concatenate([_places_before(repeats)[bins] - 0.5, np.arange(1, n_others + 1)])
    order = np.argsort(ranks, kind="stable")[:k]
    places = np.concatenate([own, np.arange(len(decayed), len(decayed) + n_others)])
    return np.asarray(places[order], np.int64)


@lru_cache(maxsize=64)
def _places_before(repeats: Repeats) -> NDArray[np.float64]:
    """Return for each bin of own items the rank of the first other item with no higher rate."""
    ranks = [
        next(
            (
                rank
                for rank, rate in zip(repeats.ranks, repeats.other_rates, strict=True)
                if rate <= own_rate
            ),
            np.inf,
        )
        for own_rate in repeats.own_rates
    ]
    return np.array(ranks, np.float64)


def stored_counts(counts: NDArray[np.integer[Any]]) -> NDArray[np.uint16]:
    """Return numbers of interactions as they are stored, uint16, at most ``MAX_COUNT``."""
    stored: NDArray[np.uint16] = np.minimum(counts, MAX_COUNT).astype(np.uint16)
    return stored


def counts_fault(counts: NDArray[Any], decayed: NDArray[Any], seen: RowLists) -> str | None:
    """Return what is wrong with the stored counts of training items, or None."""
    for name, array, dtype in (
        ("counts", counts, np.uint16),
        ("decayed counts", decayed, np.float16),
    ):
        if array.dtype != dtype or array.shape != seen.rows.shape:
            return (
                f"{name} are {array.dtype} {array.shape}: expected {np.dtype(dtype)} "
                f"{seen.rows.shape}"
            )
    if len(counts) and not counts.min():
        return "a count is 0"
    # NaN fails both comparisons.
    if not ((decayed >= 0) & (decayed <= counts)).all():
        return "a decayed count is negative or larger than the count"
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and abs(value) <= _LARGEST
