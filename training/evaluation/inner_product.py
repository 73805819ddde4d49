"""Ranking by the inner product of real-valued embeddings, for methods that cannot be released.

Codes are compared with these full-precision methods. Codes themselves are evaluated only through
a release and its index (``bitrecall.training.evaluation.evaluate``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.index.releases.id_table import IdTable
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.errors import EvaluationError
from bitrecall.training.evaluation.held_out_users import HeldOutUsers
from bitrecall.training.evaluation.ranked_batches import trained_batches
from bitrecall.training.metrics import OUTSIDE, RankingMetrics
from bitrecall.training.model.method import Embeddings
from bitrecall.training.teacher.teacher_lists import best_items

# Maximum scores in memory: 64 MiB, for any catalogue size.
_MAX_SCORES = 16_000_000


def score(
    embeddings: Embeddings,
    train: Interactions,
    held_out: Interactions,
    ks: Sequence[int],
    *,
    bgch_depth: int | None = None,
) -> dict[str, float]:
    """Evaluate real-valued embeddings on held-out interactions, in the same way as releases.

    Items that a user had seen in training are excluded, ties go to the more popular item, and
    users unknown to ``train`` get the popular list. Users with a held-out item count in every
    mean; held-out items unknown to ``train`` are misses.

    Args:
        embeddings: embeddings of the users and items of ``train``, in its rows.
        train: all training pairs; every user and item has at least one.
        held_out: interactions that were not in the training data; ids are matched as strings.
        ks: the cut-offs K, from 1 up.
        bgch_depth: also report bgch_ndcg@K, with an ideal list of the hits in this many places.

    Returns:
        Each metric of ``bitrecall.training.metrics``, by name and K.

    Raises:
        EvaluationError: no user has a held-out item.
        ValueError: the embeddings are codes, a cut-off or depth is below 1, or there is no
            cut-off.
    """
    if embeddings.similarity != "inner_product":
        raise ValueError(
            "codes are evaluated through a release: use bitrecall.training.evaluation.evaluate"
        )
    order = popularity_order(train)
    ordered = reorder_items(train, order)
    items = embeddings.items[torch.from_numpy(order).to(embeddings.items.device)]
    metrics = RankingMetrics(ks, ordered.n_items, ordered.item_degrees, bgch_depth=bgch_depth)
    held_out_users = HeldOutUsers.of(
        held_out, IdTable.build(ordered.user_ids), IdTable.build(ordered.item_ids)
    )
    if not len(held_out_users.truth):
        raise EvaluationError("there are no held-out interactions to evaluate on")

    def lists(users: NDArray[np.int64], seen: Sequence[NDArray[np.int32]]) -> NDArray[np.int64]:
        rows = torch.from_numpy(users).to(embeddings.users.device)
        return rank(embeddings.users[rows], items, metrics.depth, seen)

    for batch in trained_batches(ordered, held_out_users, metrics.depth, lists):
        metrics.update(batch.ranked, batch.truth)
    return metrics.result()


def block_users(n_items: int) -> int:
    """Return the number of users whose scores of all items are in memory at once."""
    return max(1, _MAX_SCORES // max(n_items, 1))


def rank(
    users: Tensor, items: Tensor, depth: int, exclude: Sequence[NDArray[np.int32]]
) -> NDArray[np.int64]:
    """Rank all items for some users by inner product, without approximation.

    Args:
        users: float32 (b, f).
        items: float32 (n, f), on the same device.
        depth: K, the length of the lists.
        exclude: for each user the item rows to exclude, int32.

    Returns:
        int64 (b, depth) item rows by descending score, equal scores by ascending row; shorter
        lists are padded with ``OUTSIDE``.
    """
    size = block_users(len(items))
    ranked = np.empty((len(users), depth), dtype=np.int64)
    for start in range(0, len(users), size):
        block = slice(start, start + size)
        ranked[block] = rank_scores(users[block] @ items.T, depth, exclude[block])
    return ranked


def rank_scores(
    scores: Tensor, depth: int, exclude: Sequence[NDArray[np.int32]]
) -> NDArray[np.int64]:
    """Rank all items by their scores, as ``rank`` does.

    Args:
        scores: float32 (b, n); overwritten.
        depth: K, the length of the lists.
        exclude: for each user the item rows to exclude, int32.

    Returns:
        int64 (b, depth), as ``rank``.
    """
    for row, hidden in enumerate(exclude):
        scores[row, torch.from_numpy(hidden).to(scores.device)] = -torch.inf
    best_rows, values = best_items(scores, depth)
    ranked = best_rows.new_full((len(scores), depth), OUTSIDE)
    ranked[:, : best_rows.shape[1]] = torch.where(values > -torch.inf, best_rows, OUTSIDE)
    return ranked.cpu().numpy()
