"""Rates of own items by decayed count, and of other items by rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.repeats import Repeats

__all__ = ["ListedItems", "fit_rates"]

RANKS: Final = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)
_COUNT_BINS: Final = 12
# Each rate counts as if so many more items had the mean rate of their kind.
_PRIOR: Final = 20.0


class ListedItems(NamedTuple):
    """The items of one user before the held-out pairs.

    Attributes:
        own: int64 (h,), rows of own items, increasing.
        decayed: float64 (h,), their decayed counts.
        own_taken: bool (h,), whether they are held out.
        others: int64 (r,), rows of the nearest other items, the nearest first.
        others_taken: bool (r,), whether they are held out.
    """

    own: NDArray[np.int64]
    decayed: NDArray[np.float64]
    own_taken: NDArray[np.bool_]
    others: NDArray[np.int64]
    others_taken: NDArray[np.bool_]


def fit_rates(users: Sequence[ListedItems], decay: float) -> Repeats:
    """Measure how many of the items of each bin are held out.

    Bins of own items have about equal sizes. Neighbouring bins whose rates would fall, or rise for
    other items, have their common rate.

    Args:
        users: the items of users, at least one own and one other item.
        decay: τ of the decayed counts.
    """
    decayed = np.concatenate([user.decayed for user in users])
    inner = np.quantile(decayed, np.arange(1, _COUNT_BINS) / _COUNT_BINS)
    # Rounded so that the manifest stays short.
    counts = np.unique([0.0, *(float(f"{edge:.3g}") for edge in inner)])
    own_rates = _rising_rates(
        np.searchsorted(counts, decayed, side="right") - 1,
        np.concatenate([user.own_taken for user in users]),
        len(counts),
    )
    ranks = np.concatenate([np.arange(1, len(user.others) + 1) for user in users])
    starts = np.array([rank for rank in RANKS if rank <= ranks.max()])
    # The bins in reverse, whose rates rise.
    other_rates = _rising_rates(
        len(starts) - np.searchsorted(starts, ranks, side="right"),
        np.concatenate([user.others_taken for user in users]),
        len(starts),
    )[::-1]
    return Repeats(
        decay=decay,
        counts=tuple(counts.tolist()),
        own_rates=tuple(own_rates),
        ranks=tuple(starts.tolist()),
        other_rates=tuple(other_rates),
    )


def _rising_rates(bins: NDArray[np.int64], taken: NDArray[np.bool_], n_bins: int) -> list[float]:
    """Return the share of taken items of each bin, smoothed so that it never falls.

    The pool-adjacent-violators algorithm: neighbours whose shares would fall are joined.
    """
    mean = taken.mean()
    sizes = np.bincount(bins, minlength=n_bins) + _PRIOR
    hits = np.bincount(bins, taken, n_bins) + _PRIOR * mean
    # Hits, size and number of bins of each block.
    blocks: list[tuple[float, float, int]] = []
    for hit, size in zip(hits.tolist(), sizes.tolist(), strict=True):
        block = (hit, size, 1)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2] + block[2])
        blocks.append(block)
    return [round(hit / size, 6) for hit, size, count in blocks for _ in range(count)]
