"""Softmax cross-entropy over the whole catalogue, or over a sample of it.

For a positive i of user u the loss is −log of exp(s_ui/τ) / Σ_j exp(s_uj/τ), where j are all items
that are not excluded for u, including its other positives: the multinomial likelihood of Liang et
al., "Variational Autoencoders for Collaborative Filtering", WWW 2018, on scores of codes. Wu et
al., "On the Effectiveness of Sampled Softmax Loss for Item Recommendation", ACM TOIS 2024, explain
why it works as a ranking loss, and why τ matters.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.model.losses.candidates import (
    Block,
    Candidates,
    add_pair_gradients,
    taken_pairs,
)
from bitrecall.training.model.losses.pairs import Pairs, Sample, weights_of

# Items per block. A block of scores of 1,024 users then takes 8 MiB, which fits into the cache.
BLOCK_ITEMS = 2048


def softmax_loss(
    user_codes: Tensor,
    item_codes: Tensor,
    positives: Pairs,
    excluded: Pairs | None,
    temperature: float,
    *,
    weights: Tensor | None = None,
    sample: Sample | None = None,
) -> Tensor:
    """Cross-entropy of each positive among all items that are not excluded.

    Needs O(b·BLOCK_ITEMS + pairs·f) memory besides the codes, for any catalogue size. Without a
    sample, both value and gradient are exact.

    Args:
        user_codes: float32 (b, f), ±1 or any real values.
        item_codes: float32 (n, f).
        positives: the pairs to predict.
        excluded: pairs left out of the sum over items; disjoint from the positives.
        temperature: τ > 0, divides scores.
        weights: float32 (p,), the weight of each positive; None is 1/p each.
        sample: items that represent the catalogue. The sum over items that are neither positive
            nor excluded then uses these items, with the drawn ones weighted up; a user's
            positives are always in the sum. The sum is unbiased, its logarithm only nearly.
            None scores the whole catalogue.

    Returns:
        float32 scalar ≥ 0, in nats; 0 without positives.
    """
    weights = weights_of(positives, weights, user_codes)
    special = taken_pairs(positives, excluded)
    candidates = Candidates(len(user_codes), len(item_codes), special, sample)
    loss: Tensor = _SoftmaxLoss.apply(  # type: ignore[no-untyped-call]
        user_codes, item_codes, positives, weights, candidates, temperature
    )
    return loss


class _SoftmaxLoss(torch.autograd.Function):
    # Positives inside a block are scored with the block, the others separately. Neither is part of
    # the block's sum, because each represents only itself and must not be weighted up.
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx,
        user_codes: Tensor,
        item_codes: Tensor,
        positives: Pairs,
        weights: Tensor,
        candidates: Candidates,
        temperature: float,
    ) -> Tensor:
        logits_of_special = torch.zeros(
            candidates.n_special, dtype=user_codes.dtype, device=user_codes.device
        )
        total = user_codes.new_full((len(user_codes),), -torch.inf)
        for block in candidates.blocks(BLOCK_ITEMS):
            logits = (user_codes / temperature) @ item_codes[block.items].T
            logits_of_special[block.pairs] = logits[block.users, block.columns]
            total = torch.logaddexp(total, torch.logsumexp(_terms(logits, block), dim=1))
        places, outside = candidates.outside_positives(positives)
        outside_scores = (user_codes[outside.users] * item_codes[outside.items]).sum(dim=1)
        logits_of_special[places] = outside_scores / temperature
        logits = logits_of_special[: len(positives.users)]
        of_positives = _log_sum_by_user(logits, positives.users, len(user_codes))
        total = torch.logaddexp(total, of_positives)
        # A user without any item to sum over has no positive either, so its total is not used.
        total = total.masked_fill(total.isneginf(), 0)
        ctx.save_for_backward(user_codes, item_codes, weights, logits, total)
        ctx.positives, ctx.candidates, ctx.temperature = positives, candidates, temperature
        return (weights * (total[positives.users] - logits)).sum()

    @staticmethod
    def backward(ctx, *gradients: Tensor):  # type: ignore[no-untyped-def]
        user_codes, item_codes, weights, positive_logits, total = ctx.saved_tensors
        users = ctx.positives.users
        scale = gradients[0] / ctx.temperature
        by_user = torch.zeros_like(total).index_add_(0, users, weights)
        special = total.new_zeros(ctx.candidates.n_special)
        probabilities = torch.exp(positive_logits - total[users])
        special[: len(positive_logits)] = scale * (by_user[users] * probabilities - weights)
        user_gradient, item_gradient = torch.zeros_like(user_codes), torch.zeros_like(item_codes)
        for block in ctx.candidates.blocks(BLOCK_ITEMS):
            logits = (user_codes / ctx.temperature) @ item_codes[block.items].T
            slopes = _terms(logits, block).sub_(total[:, None]).exp_()
            slopes.mul_((scale * by_user)[:, None])
            slopes[block.users, block.columns] = special[block.pairs]
            user_gradient.addmm_(slopes, item_codes[block.items])
            item_gradient[block.items] = slopes.T @ user_codes
        places, outside = ctx.candidates.outside_positives(ctx.positives)
        add_pair_gradients(
            (user_gradient, item_gradient), user_codes, item_codes, outside, special[places]
        )
        return user_gradient, item_gradient, None, None, None, None


def _terms(logits: Tensor, block: Block) -> Tensor:
    """Turn logits, in place, into logarithms of the terms of the sum; −∞ for special pairs."""
    if block.scale is not None:
        logits += block.scale.to(logits.dtype).log()[:, None]
    logits[block.users, block.columns] = -torch.inf
    return logits


def _log_sum_by_user(values: Tensor, users: Tensor, n_users: int) -> Tensor:
    largest = values.new_full((n_users,), -torch.inf)
    largest = largest.scatter_reduce(0, users, values, reduce="amax")
    sums = torch.zeros_like(largest).index_add_(0, users, torch.exp(values - largest[users]))
    return largest + sums.log()
