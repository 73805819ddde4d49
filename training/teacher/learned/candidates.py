"""Candidates: the items of each user that the ranker orders, and their features."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.teacher.learned.scorer_set import ScorerSet, SparseScores
from bitrecall.training.teacher.teacher_lists import best_items

DEPTH = 200
"""Candidates per user."""

SUM = "sum_of_scores"
"""The feature by which candidates are chosen."""

# What one dense matrix of a block of users may take; four are alive at once, and one per factor
# model.
_BLOCK_BYTES = 48 * 1024**2


@dataclass(frozen=True)
class Candidates:
    """The candidates of some users.

    Attributes:
        users: int64 (b,) rows.
        items: int32 (b, d) rows, unseen ones first: the best by the sum of all scores.
        counts: int64 (b,), number of unseen candidates of each user.
        features: float32 (b, d, f).
    """

    users: NDArray[np.int64]
    items: NDArray[np.int32]
    counts: NDArray[np.int64]
    features: NDArray[np.float32]


def feature_names(scorers: ScorerSet) -> list[str]:
    """Return the names of the features, in the order of ``Candidates.features``."""
    scored = [f"{name}/{feature}" for name in scorers.names for feature in ("score", "rank")]
    return [*scored, SUM, "log_popularity", "log_number_of_items"]


def of_kinds(
    features: NDArray[np.float32], names: Sequence[str], kinds: Collection[str]
) -> tuple[NDArray[np.float32], list[str]]:
    """Select the features that candidates would have with some kinds of scorers only.

    Args:
        features: float32 (…, f).
        names: the names of the features.
        kinds: the kinds of scorers to keep.

    Returns:
        The features and their names.
    """
    present = {name.partition("/")[0] for name in names if "/" in name}
    kept = [
        number
        for number, name in enumerate(names)
        if "/" not in name or name.partition("/")[0] in kinds
    ]
    if present <= set(kinds):
        return features, list(names)
    selected, selected_names = features[..., kept], [names[number] for number in kept]
    scores = [number for number, name in enumerate(selected_names) if name.endswith("/score")]
    selected[..., selected_names.index(SUM)] = selected[..., scores].sum(axis=-1)
    return selected, selected_names


def candidates(scorers: ScorerSet, depth: int = DEPTH) -> Iterator[Candidates]:
    """Yield the candidates of all users, in blocks of users.

    Features of a candidate are each model's score and its rank among the user's candidates, the sum
    of the scores, the item's popularity, and the number of the user's items.

    Args:
        scorers: the models.
        depth: candidates per user; fewer in a smaller catalogue.
    """
    n_users, n_items = scorers.matrix.shape
    depth = min(depth, n_items)
    block = max(1, _BLOCK_BYTES // (4 * max(n_items, 1)))
    popularity = scorers.popularity.log1p()
    degrees = np.diff(scorers.matrix.indptr)
    scratch = torch.zeros(min(block, n_users), n_items)
    for start in range(0, n_users, block):
        users = np.arange(start, min(start + block, n_users))
        scores = scorers.scores(users)
        total = _total(scores, scratch[: len(users)].clone())
        seen = scorers.matrix[users].tocoo()
        total[torch.from_numpy(seen.row).long(), torch.from_numpy(seen.col).long()] = -torch.inf
        items, best = best_items(total, depth)
        features = torch.empty(len(users), depth, 2 * len(scores) + 3)
        for number, part in enumerate(scores):
            values = _gathered(part, items, scratch)
            features[:, :, 2 * number] = values
            features[:, :, 2 * number + 1] = _ranks(values)
        unseen = best > -torch.inf
        features[:, :, -3] = torch.where(unseen, best, 0)
        features[:, :, -2] = popularity[items]
        counts = torch.from_numpy(degrees[users]).clamp(min=1).float().log()
        features[:, :, -1] = counts[:, None]
        yield Candidates(
            users,
            items.numpy().astype(np.int32),
            unseen.sum(dim=1).numpy(),
            features.numpy(),
        )


def _total(scores: list[SparseScores | Tensor], total: Tensor) -> Tensor:
    for part in scores:
        if isinstance(part, Tensor):
            total += part
        else:
            places = part.rows * total.shape[1] + part.items
            total.view(-1).index_add_(0, places, part.values)
    return total


def _gathered(part: SparseScores | Tensor, items: Tensor, scratch: Tensor) -> Tensor:
    """Return the scores of the candidates, float32 (b, d); ``scratch`` is zeros, and stays so."""
    if isinstance(part, Tensor):
        return part.gather(1, items)
    places = part.rows * scratch.shape[1] + part.items
    flat = scratch.view(-1)
    flat[places] = part.values
    values = scratch[: len(items)].gather(1, items)
    flat[places] = 0
    return values


def _ranks(values: Tensor) -> Tensor:
    """Rank each row's values from 0, equal ones by position."""
    order = torch.argsort(values, dim=1, descending=True, stable=True)
    ranks = torch.empty_like(order)
    positions = torch.arange(values.shape[1]).expand_as(order)
    return ranks.scatter_(1, order, positions).float()
