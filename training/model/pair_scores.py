"""Inner products of selected pairs, and the losses of the pairwise methods."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus

from bitrecall.training.model.sparse_product import weighted_sums

# Rows gathered at a time in the forward pass: few enough to stay in the CPU cache.
_CHUNK = 4096


def pair_scores(users: Tensor, items: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Compute the inner products of selected pairs of rows.

    The plain form, ``(users[rows] * items[columns]).sum(1)``, keeps three matrices with one row
    per pair until its backward pass. Here the backward pass is two sparse products instead.

    Args:
        users: float32 (m, f).
        items: float32 (n, f).
        rows: int64 (b,), rows of ``users``.
        columns: int64 (b, c), rows of ``items`` to score with each.

    Returns:
        float32 (b, c).
    """
    scores: Tensor = _PairScores.apply(users, items, rows, columns)  # type: ignore[no-untyped-call]
    return scores


def bpr_loss(scores: Tensor, weights: Tensor | None = None) -> Tensor:
    """Bayesian personalised ranking: the mean of −log σ(positive − negative).

    Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", UAI 2009.

    Args:
        scores: float (b, 1 + q), the score of the positive first.
        weights: float (b,) with a mean of 1, of the pairs; None weights all equally.
    """
    losses = softplus(scores[:, 1:] - scores[:, :1])
    return losses.mean() if weights is None else (losses * weights[:, None]).mean()


def reconstruction_loss(scores: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy between σ(score) and whether the graph contains the pair.

    Args:
        scores: float (b, 1 + q), the score of the positive first.
        weights: float (b,) with a mean of 1, of the pairs, or of their share in the graph; None
            weights all equally.
    """
    if weights is not None:
        positive = (softplus(-scores[:, 0]) * weights).sum()
        return (positive + softplus(scores[:, 1:]).sum()) / scores.numel()
    return (softplus(-scores[:, :1]).sum() + softplus(scores[:, 1:]).sum()) / scores.numel()


class _PairScores(torch.autograd.Function):
    @staticmethod
    def forward(ctx, users: Tensor, items: Tensor, rows: Tensor, columns: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(users, items, rows, columns)
        scores = users.new_empty(columns.shape)
        for start in range(0, len(rows), _CHUNK):
            part = slice(start, start + _CHUNK)
            user_rows = users[rows[part]]
            for column in range(columns.shape[1]):
                scores[part, column] = (user_rows * items[columns[part, column]]).sum(1)
        return scores

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:  # type: ignore[no-untyped-def]
        users, items, rows, columns = ctx.saved_tensors
        weights = gradients[0].flatten()
        each_row = rows.repeat_interleave(columns.shape[1])
        each_column = columns.flatten()
        to_users = _sums(each_row, each_column, weights, len(users), items)
        to_items = _sums(each_column, each_row, weights, len(items), users)
        return to_users, to_items, None, None


def _sums(rows: Tensor, columns: Tensor, weights: Tensor, n_rows: int, dense: Tensor) -> Tensor:
    if bool((rows[1:] < rows[:-1]).any()):
        order = torch.argsort(rows, stable=True)
        columns, weights = columns[order], weights[order]
    starts = torch.zeros(n_rows + 1, dtype=torch.int64, device=rows.device)
    starts[1:] = torch.bincount(rows, minlength=n_rows).cumsum(0)
    return weighted_sums(starts, columns, weights, dense)
