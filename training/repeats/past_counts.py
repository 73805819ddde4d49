"""How often users took their items, in the rows of a release."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.repeats import Repeats
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.export import SeenRepeats

__all__ = ["PairCounts", "in_order", "pair_counts", "pair_order", "seen_in_order", "seen_repeats"]


class PairCounts(NamedTuple):
    """How often users took items.

    Attributes:
        counts: int64 (nnz,), rows of each pair.
        decayed: float64 (nnz,), their sum by exp(-age/τ).
    """

    counts: NDArray[np.int64]
    decayed: NDArray[np.float64]


def pair_counts(rows: RowAges, n_pairs: int, decay: float) -> PairCounts:
    """Count the rows of each pair.

    Args:
        rows: the rows.
        n_pairs: number of pairs.
        decay: τ, in rows.
    """
    weights = np.exp(-rows.ages.astype(np.float64) / decay)
    decayed = np.asarray(np.bincount(rows.pairs, weights, n_pairs), np.float64)
    return PairCounts(np.bincount(rows.pairs, minlength=n_pairs), decayed)


def pair_order(pairs: Interactions, item_order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the pairs in the order that they have in a release, int64 (nnz,).

    Args:
        pairs: the pairs.
        item_order: int64 (n,), the row in ``pairs`` of each item of the release.
    """
    rank = np.empty(len(item_order), np.int64)
    rank[item_order] = np.arange(len(item_order))
    return np.lexsort((rank[pairs.items], pairs.users))


def in_order(rows: RowAges, order: NDArray[np.int64]) -> RowAges:
    """Return the rows of pairs that are put into another order."""
    places = np.empty(len(order), np.int32)
    places[order] = np.arange(len(order))
    return RowAges(places[rows.pairs], rows.ages)


def seen_repeats(
    chosen: dict[str, Any] | None,
    train: Interactions,
    rows: RowAges | None,
    item_order: NDArray[np.int64],
) -> SeenRepeats | None:
    """Count how often users took the items of a release.

    Args:
        chosen: the fields of a ``Repeats``; None without one.
        train: all pairs.
        rows: the rows of ``train``.
        item_order: int64 (n,), the row in ``train`` of each item of the release.
    """
    if chosen is None or rows is None:
        return None
    repeats = Repeats.from_fields(chosen)
    rows = in_order(rows, pair_order(train, item_order))
    return SeenRepeats(repeats, *pair_counts(rows, len(train), repeats.decay))


def seen_in_order(
    repeats: SeenRepeats | None, pairs: Interactions, item_order: NDArray[np.int64]
) -> SeenRepeats | None:
    """Return the counts of pairs in the order that these have in a release."""
    if repeats is None:
        return None
    order = pair_order(pairs, item_order)
    return SeenRepeats(repeats.rates, repeats.counts[order], repeats.decayed[order])
