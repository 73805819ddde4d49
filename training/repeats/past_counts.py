"""How often users took their items, in the rows of a release."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.repeats import Repeats
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import reorder_items
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.export import SeenRepeats

__all__ = ["PairCounts", "in_order", "pair_counts", "seen_repeats"]


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


def in_order(
    pairs: Interactions,
    rows: RowAges,
    mask: NDArray[np.bool_],
    item_order: NDArray[np.int64],
) -> tuple[Interactions, RowAges, NDArray[np.bool_]]:
    """Return pairs with item ``item_order[r]`` at row r, their rows, and a mask of these pairs."""
    rank = np.empty(len(item_order), np.int64)
    rank[item_order] = np.arange(len(item_order))
    by_pair = np.lexsort((rank[pairs.items], pairs.users))
    places = np.empty(len(by_pair), np.int32)
    places[by_pair] = np.arange(len(by_pair))
    return (
        reorder_items(pairs, item_order),
        RowAges(places[rows.pairs], rows.ages),
        mask[by_pair],
    )


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
    pairs, rows, _ = in_order(train, rows, np.ones(len(train), np.bool_), item_order)
    return SeenRepeats(repeats, *pair_counts(rows, len(pairs), repeats.decay))
