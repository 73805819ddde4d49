"""SRLoss over the whole catalogue, or over a sample of it, as one autograd function.

F. Luo and J. Wu, "Optimizing Recall in Deep Graph Hashing Framework for Item Retrieval",
AAAI 2024: L = −1/|Ω| Σ K_φ(N − rank_ui), rank_ui ≈ 1 + Σ_{j≠i} K_ψ(s_uj − s_ui). The identity
that makes the full sum affordable is in ``levels.py``; it holds for other functions of the rank
as well, ``objectives.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses.levels import level_gradients
from training.losses.objectives import RankObjective

# Users times levels at once: up to here a float32 holds a bin's number, and its halves, exactly.
MOST_BINS = 2**23

# Items scored at once. A block of scores for 1,024 users then takes 8 MiB, which stays in cache.
BLOCK_ITEMS = 2048


@dataclass(frozen=True)
class Pairs:
    """Some (user, item) pairs of a batch.

    Attributes:
        users: int64 (p,), positions in the batch.
        items: int64 (p,), item rows; a pair occurs once.
    """

    users: Tensor
    items: Tensor


def smooth_recall_loss(
    user_codes: Tensor,
    item_codes: Tensor,
    positives: Pairs,
    excluded: Pairs | None,
    objective: RankObjective,
    *,
    weights: Tensor | None = None,
    sample: Tensor | None = None,
) -> Tensor:
    """Minus the worth of the positives' ranks among all items that are not excluded.

    Memory beside the codes is O(b·BLOCK_ITEMS + b·f + pairs), however large the catalogue.

    Args:
        user_codes: float32 (b, f) of ±1.
        item_codes: float32 (n, f) of ±1.
        positives: the pairs whose ranks count.
        excluded: pairs that take no part in the ranking, as training items take none at test
            time; disjoint from the positives.
        objective: what a rank is worth: smooth recall, the loss's name, or smooth NDCG.
        weights: float32 (p,), the weight of each positive; None is 1/|Ω| each.
        sample: int64 (c,) distinct item rows, drawn uniformly: the histogram of the items that
            are neither positive nor excluded is then taken over these and weighted up, which is
            unbiased. None scores the whole catalogue.

    Returns:
        float32 scalar, in (−1, 0) for smooth recall with the default weights.

    Raises:
        ValueError: b·(f + 1) is above ``MOST_BINS``.
    """
    if weights is None:
        equal = 1 / max(len(positives.users), 1)
        weights = user_codes.new_full(positives.users.shape, equal)
    loss: Tensor = _SmoothRecallLoss.apply(  # type: ignore[no-untyped-call]
        user_codes, item_codes, positives, excluded, weights, objective, sample
    )
    return loss


class _SmoothRecallLoss(torch.autograd.Function):
    # The gradient needs every score again, so it is taken in the forward pass while the
    # histogram's tables are at hand, and only scaled in the backward pass.
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]
        ctx,
        user_codes: Tensor,
        item_codes: Tensor,
        positives: Pairs,
        excluded: Pairs | None,
        weights: Tensor,
        objective: RankObjective,
        sample: Tensor | None,
    ) -> Tensor:
        special = positives if excluded is None else _concatenate(positives, excluded)
        catalogue = _Catalogue(user_codes, item_codes, special, sample)
        levels = _levels_of(user_codes, item_codes, positives)
        positive_bins = positives.users * catalogue.width + levels
        others = catalogue.histogram()
        counts = others.view(-1).index_add(0, positive_bins, torch.ones_like(weights))
        positive_weights = torch.zeros_like(counts).index_add_(0, positive_bins, weights)
        tables = level_gradients(
            counts.view_as(others), positive_weights.view_as(others), objective
        )
        user_gradient, item_gradient = catalogue.backward(tables.any_item)
        slopes = tables.any_item.reshape(-1)[positive_bins]
        slopes = slopes + weights * tables.positive.reshape(-1)[positive_bins]
        user_gradient.index_add_(0, positives.users, slopes[:, None] * item_codes[positives.items])
        item_gradient.index_add_(0, positives.items, slopes[:, None] * user_codes[positives.users])
        ctx.save_for_backward(user_gradient, item_gradient)
        return tables.losses.sum()

    @staticmethod
    def backward(ctx, *gradients: Tensor):  # type: ignore[no-untyped-def]
        user_gradient, item_gradient = ctx.saved_tensors
        scale = gradients[0]
        return user_gradient * scale, item_gradient * scale, None, None, None, None, None


class _Catalogue:
    """All items, or a sample of them, against a batch of users, a block at a time.

    ``special`` pairs are left out of both the histogram and the gradient.
    """

    def __init__(
        self, user_codes: Tensor, item_codes: Tensor, special: Pairs, sample: Tensor | None
    ) -> None:
        self.batch, self.bits = user_codes.shape
        self.width = self.bits + 1
        self._user_codes = user_codes
        self._item_codes = item_codes
        self._rows = sample
        codes = item_codes if sample is None else item_codes[sample]
        self._codes = codes
        # One more coordinate puts user and level into one exact bin number: the product of these
        # two is u·(f + 1) + (s + f)/2.
        if self.batch * self.width > MOST_BINS:
            raise ValueError(
                f"{self.batch} users of {self.bits} bits are too many at once: users times "
                f"(bits + 1) must be at most {MOST_BINS}"
            )
        starts = torch.arange(self.batch, device=codes.device, dtype=codes.dtype) * self.width
        self._user_side = torch.cat([user_codes / 2, (starts + self.bits / 2)[:, None]], dim=1)
        self._special_users, self._special_columns = _columns(special, len(item_codes), sample)
        order = torch.argsort(self._special_columns)
        self._special_users = self._special_users[order]
        self._special_columns = self._special_columns[order]
        self._scale = self._sampling_scale(special, len(item_codes))

    def _sampling_scale(self, special: Pairs, n_items: int) -> Tensor | None:
        if self._rows is None:
            return None
        ones = torch.ones_like(special.users, dtype=self._codes.dtype)
        inside = torch.ones_like(self._special_users, dtype=self._codes.dtype)
        empty = torch.zeros(self.batch, dtype=self._codes.dtype, device=self._codes.device)
        ranked = n_items - empty.index_add(0, special.users, ones)
        drawn = len(self._codes) - empty.index_add(0, self._special_users, inside)
        return ranked / drawn.clamp(min=1)

    def histogram(self) -> Tensor:
        """Ranked items on each level, special pairs apart: float (b, f + 1)."""
        bins = self.batch * self.width
        total = torch.zeros(bins, dtype=torch.int64, device=self._codes.device)
        for start in range(0, len(self._codes), BLOCK_ITEMS):
            total += torch.bincount(self._bins(start).view(-1), minlength=bins)
        special = Pairs(self._special_users, self._special_columns)
        levels = _levels_of(self._user_codes, self._codes, special)
        total -= torch.bincount(special.users * self.width + levels, minlength=bins)
        counts = total.to(self._codes.dtype).view(self.batch, self.width)
        return counts if self._scale is None else counts * self._scale[:, None]

    def backward(self, table: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by user and item codes, given dL/ds by user and level."""
        flat = (table if self._scale is None else table * self._scale[:, None]).reshape(-1)
        user_gradient = torch.zeros_like(self._user_codes)
        item_gradient = torch.zeros_like(self._item_codes)
        for start in range(0, len(self._codes), BLOCK_ITEMS):
            block = self._codes[start : start + BLOCK_ITEMS]
            by_score = torch.take(flat, self._bins(start))
            users, columns = self._special_in(start, len(block))
            by_score[users, columns - start] = 0
            user_gradient.addmm_(by_score, block)
            by_item = by_score.T @ self._user_codes
            if self._rows is None:
                item_gradient[start : start + len(block)] = by_item
            else:
                item_gradient[self._rows[start : start + len(block)]] = by_item
        return user_gradient, item_gradient

    def _bins(self, start: int) -> Tensor:
        block = self._codes[start : start + BLOCK_ITEMS]
        with_one = torch.cat([block, block.new_ones(len(block), 1)], dim=1)
        return (self._user_side @ with_one.T).to(torch.int64)

    def _special_in(self, start: int, length: int) -> tuple[Tensor, Tensor]:
        bounds = torch.tensor([start, start + length], device=self._special_columns.device)
        first, last = torch.searchsorted(self._special_columns, bounds).tolist()
        return self._special_users[first:last], self._special_columns[first:last]


def _concatenate(first: Pairs, second: Pairs) -> Pairs:
    return Pairs(torch.cat([first.users, second.users]), torch.cat([first.items, second.items]))


def _columns(special: Pairs, n_items: int, sample: Tensor | None) -> tuple[Tensor, Tensor]:
    """The special pairs as positions in the scored columns; those not scored drop out."""
    if sample is None:
        return special.users, special.items
    position = torch.full((n_items,), -1, dtype=torch.int64, device=sample.device)
    position[sample] = torch.arange(len(sample), device=sample.device)
    columns = position[special.items]
    inside = columns >= 0
    return special.users[inside], columns[inside]


def _levels_of(user_codes: Tensor, item_codes: Tensor, pairs: Pairs) -> Tensor:
    """The number of agreeing bits of each pair: int64 (p,)."""
    scores = (user_codes[pairs.users] * item_codes[pairs.items]).sum(dim=1)
    return ((scores + user_codes.shape[1]) / 2).round().to(torch.int64)
