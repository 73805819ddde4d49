"""The loss by smooth ranks, over the whole catalogue or a sample of it, as one autograd function.

F. Luo and J. Wu, "Optimizing Recall in Deep Graph Hashing Framework for Item Retrieval",
AAAI 2024: L = −1/|Ω| Σ K_φ(N − rank_ui), rank_ui ≈ 1 + Σ_{j≠i} K_ψ(s_uj − s_ui). ``levels.py``
has the identity that makes the full sum affordable, and ``smooth_metrics.py`` the functions of the
rank: SRLoss, and smooth NDCG.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.model.losses.candidates import Candidates, add_pair_gradients, taken_pairs
from bitrecall.training.model.losses.levels import level_gradients
from bitrecall.training.model.losses.packed_scores import PackedScores, can_pack
from bitrecall.training.model.losses.pairs import Pairs, Sample, weights_of
from bitrecall.training.model.losses.scores import DenseScores, Scores
from bitrecall.training.model.losses.smooth_metrics import RankObjective


def smooth_recall_loss(
    user_codes: Tensor,
    item_codes: Tensor,
    positives: Pairs,
    excluded: Pairs | None,
    objective: RankObjective,
    *,
    weights: Tensor | None = None,
    sample: Sample | None = None,
) -> Tensor:
    """Minus the value of the positives' ranks among all items that are not excluded.

    Needs O(b·``BLOCK_ITEMS`` + b·f + pairs) memory besides the codes, for any catalogue size.

    Args:
        user_codes: float32 (b, f) of ±1.
        item_codes: float32 (n, f) of ±1.
        positives: the pairs whose ranks count.
        excluded: pairs that are not ranked, like training items at test time; disjoint from the
            positives.
        objective: the value of a rank: smooth recall or smooth NDCG.
        weights: float32 (p,), the weight of each positive; None is 1/|Ω| each.
        sample: items that represent the catalogue. The histogram of items that are neither
            positive nor excluded then counts these items, with the drawn ones weighted up, which
            is unbiased. None scores the whole catalogue.

    Returns:
        float32 scalar, in (−1, 0) for smooth recall with the default weights.

    Raises:
        ValueError: b·(f + 1) is above ``bitrecall.training.recipe.max_bins.MAX_BINS``.
    """
    weights = weights_of(positives, weights, user_codes)
    special = taken_pairs(positives, excluded)
    candidates = Candidates(len(user_codes), len(item_codes), special, sample)
    loss: Tensor = _SmoothRecallLoss.apply(  # type: ignore[no-untyped-call]
        user_codes, item_codes, positives, weights, candidates, objective
    )
    return loss


class _SmoothRecallLoss(torch.autograd.Function):
    # The gradient needs every score again, so the forward pass computes it while it has the
    # histogram's tables, and the backward pass only scales it.
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx,
        user_codes: Tensor,
        item_codes: Tensor,
        positives: Pairs,
        weights: Tensor,
        candidates: Candidates,
        objective: RankObjective,
    ) -> Tensor:
        kind = PackedScores if can_pack(user_codes) else DenseScores
        scores: Scores = kind(user_codes, item_codes, candidates)
        others = scores.histogram()
        count = len(positives.users)
        positive_bins = scores.special_bins[:count]
        counts = others.view(-1).index_add(0, positive_bins, torch.ones_like(weights))
        positive_weights = torch.zeros_like(counts).index_add_(0, positive_bins, weights)
        tables = level_gradients(
            counts.view_as(others), positive_weights.view_as(others), objective
        )
        special = torch.zeros_like(scores.special_bins, dtype=weights.dtype)
        special[:count] = tables.any_item.reshape(-1)[positive_bins]
        special[:count] += weights * tables.positive.reshape(-1)[positive_bins]
        user_gradient, item_gradient = scores.backward(tables.any_item, special)
        # Scores.backward covers only the positives inside a block.
        places, outside = candidates.outside_positives(positives)
        gradients = user_gradient, item_gradient
        add_pair_gradients(gradients, user_codes, item_codes, outside, special[places])
        ctx.save_for_backward(user_gradient, item_gradient)
        return tables.losses.sum()

    @staticmethod
    def backward(ctx, *gradients: Tensor):  # type: ignore[no-untyped-def]
        user_gradient, item_gradient = ctx.saved_tensors
        scale = gradients[0]
        # The scale is nearly always 1, which saves a copy of an array of the catalogue's size.
        if float(scale) != 1:
            user_gradient, item_gradient = user_gradient * scale, item_gradient * scale
        return user_gradient, item_gradient, None, None, None, None
