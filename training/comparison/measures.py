"""Measures of a recommender: overall, of cold and warm users, and of popular and rare items.

Cold users are the third of the measured users with the fewest training items. Head items are the
most popular items, which make up half of the training interactions; all others are tail items.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.evaluation.ranked_batches import RankedBatch
from bitrecall.training.metrics import GroundTruth, RankingMetrics, find_hits, recall_at

KS: Final = (20, 50)
"""The cut-offs K of the measures; the breakdown is of K = 20."""

OVERALL: Final = ("recall@20", "recall@50", "ndcg@20", "coverage@20")
BREAKDOWN: Final = ("recall@20 cold", "recall@20 warm", "recall@20 head", "recall@20 tail")

Measures = dict[str, float | None]
"""Values of ``OVERALL`` and ``BREAKDOWN``; None if no user or no item is in a group."""

_K: Final = 20


@dataclass(frozen=True)
class Groups:
    """The bounds of the groups, and their sizes.

    Attributes:
        cold_items: a cold user has at most this many training items; -1 if all measured users have
            the same number.
        cold_users: number of measured users that are cold.
        warm_users: number of the other measured users.
        head_items: number of head items.
        tail_items: number of tail items.
    """

    cold_items: int
    cold_users: int
    warm_users: int
    head_items: int
    tail_items: int

    @classmethod
    def of(cls, user_degrees: NDArray[np.integer], popularity: NDArray[np.integer]) -> Groups:
        """Choose the bounds.

        Args:
            user_degrees: number of training items of each measured user, (b,).
            popularity: number of training interactions of each item, (n,), descending.
        """
        bound = int(np.quantile(user_degrees, 1 / 3, method="inverted_cdf"))
        if bound == user_degrees.max():
            below = user_degrees[user_degrees < bound]
            bound = int(below.max()) if len(below) else -1
        cold = int((user_degrees <= bound).sum())
        reached = np.cumsum(popularity, dtype=np.float64)
        head = int(np.searchsorted(reached, reached[-1] / 2)) + 1
        return cls(bound, cold, len(user_degrees) - cold, head, len(popularity) - head)


def measure(
    batches: Iterable[RankedBatch], popularity: NDArray[np.integer], groups: Groups
) -> Measures:
    """Measure ranked lists.

    Args:
        batches: lists of all measured users, of at least the largest of ``KS``.
        popularity: number of training interactions of each item, (n,), descending.
        groups: the bounds of the groups.
    """
    metrics = RankingMetrics(KS, len(popularity), popularity)
    recalls: dict[str, list[NDArray[np.float64]]] = {name: [] for name in BREAKDOWN}
    for batch in batches:
        metrics.update(batch.ranked, batch.truth)
        hits = find_hits(batch.ranked[:, :_K], batch.truth)
        recall = recall_at(hits, batch.truth.sizes, _K)
        cold = np.array([len(items) for items in batch.seen]) <= groups.cold_items
        recalls["recall@20 cold"].append(recall[cold])
        recalls["recall@20 warm"].append(recall[~cold])
        head_targets = _count_head(batch.truth, groups.head_items)
        is_head = batch.ranked[:, :_K] < groups.head_items
        for name, part, sizes in (
            ("recall@20 head", hits & is_head, head_targets),
            ("recall@20 tail", hits & ~is_head, batch.truth.sizes - head_targets),
        ):
            recalls[name].append(recall_at(part, sizes, _K)[sizes > 0])
    result = metrics.result()
    measures: Measures = {name: result[name] for name in OVERALL}
    for name, parts in recalls.items():
        values = np.concatenate(parts)
        measures[name] = float(values.mean()) if len(values) else None
    return measures


def _count_head(truth: GroundTruth, head_items: int) -> NDArray[np.int64]:
    """Count the head items among each user's held-out items, int64 (b,)."""
    owners = np.repeat(np.arange(len(truth)), truth.sizes)
    is_head = (truth.rows >= 0) & (truth.rows < head_items)
    return np.bincount(owners[is_head], minlength=len(truth)).astype(np.int64)
