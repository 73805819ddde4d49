"""Measures of a recommender: overall, of cold and warm users, and of popular and rare items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.results.comparison import BREAKDOWN, OVERALL, Groups, Measures
from bitrecall.training.evaluation.ranked_batches import RankedBatch
from bitrecall.training.metrics import GroundTruth, RankingMetrics, find_hits, recall_at

KS: Final = (20, 50)
"""The cut-offs K of the measures; the breakdown is of K = 20."""

_K: Final = 20


def choose_groups(user_degrees: NDArray[np.integer], popularity: NDArray[np.integer]) -> Groups:
    """Choose the bounds of the groups.

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
    return Groups(bound, cold, len(user_degrees) - cold, head, len(popularity) - head)


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
    measures: dict[str, float | None] = {name: result[name] for name in OVERALL}
    for name, parts in recalls.items():
        values = np.concatenate(parts)
        measures[name] = float(values.mean()) if len(values) else None
    return measures


def _count_head(truth: GroundTruth, head_items: int) -> NDArray[np.int64]:
    """Count the head items among each user's held-out items, int64 (b,)."""
    owners = np.repeat(np.arange(len(truth)), truth.sizes)
    is_head = (truth.rows >= 0) & (truth.rows < head_items)
    return np.bincount(owners[is_head], minlength=len(truth)).astype(np.int64)
