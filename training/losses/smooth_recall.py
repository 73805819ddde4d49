"""SRLoss over the whole catalogue, or over a sample of it, as one autograd function.

F. Luo and J. Wu, "Optimizing Recall in Deep Graph Hashing Framework for Item Retrieval",
AAAI 2024: L = −1/|Ω| Σ K_φ(N − rank_ui), rank_ui ≈ 1 + Σ_{j≠i} K_ψ(s_uj − s_ui). The identity
that makes the full sum affordable is in ``levels.py``; it holds for other functions of the rank
as well, ``objectives.py``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.losses.candidates import Block, Candidates, taken_pairs
from training.losses.levels import level_gradients
from training.losses.objectives import RankObjective
from training.losses.pairs import Pairs, Sample

# Users times levels at once: up to here a float32 holds a bin's number, and its halves, exactly.
MOST_BINS = 2**23

# Items scored at once. A block of scores for 1,024 users then takes 8 MiB, which stays in cache.
BLOCK_ITEMS = 2048

# Blocks whose scores are kept from the histogram for the gradient, instead of being taken again:
# 16 MiB each for 1,024 users, and all there are of a sample.
KEPT_BLOCKS = 8


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
        sample: items that stand for the catalogue: the histogram of the items that are neither
            positive nor excluded is then taken over these, the drawn ones weighted up, which is
            unbiased. None scores the whole catalogue.

    Returns:
        float32 scalar, in (−1, 0) for smooth recall with the default weights.

    Raises:
        ValueError: b·(f + 1) is above ``MOST_BINS``.
    """
    if weights is None:
        equal = 1 / max(len(positives.users), 1)
        weights = user_codes.new_full(positives.users.shape, equal)
    special = taken_pairs(positives, excluded)
    candidates = Candidates(len(user_codes), len(item_codes), special, sample)
    loss: Tensor = _SmoothRecallLoss.apply(  # type: ignore[no-untyped-call]
        user_codes, item_codes, positives, weights, candidates, objective
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
        weights: Tensor,
        candidates: Candidates,
        objective: RankObjective,
    ) -> Tensor:
        scores = _Scores(user_codes, item_codes, candidates)
        others = scores.histogram()
        count = len(positives.users)
        # Positives among the candidates were scored with them; the others are scored one by one.
        apart = candidates.outside[candidates.outside < count]
        users, items = positives.users[apart], positives.items[apart]
        user_side, item_side = user_codes[users], item_codes[items]
        scores.special_bins[apart] = users * scores.width + _levels(user_side, item_side)
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
        slopes = special[apart, None]
        user_gradient.index_add_(0, users, item_side.mul_(slopes))
        item_gradient.index_add_(0, items, user_side.mul_(slopes))
        ctx.save_for_backward(user_gradient, item_gradient)
        return tables.losses.sum()

    @staticmethod
    def backward(ctx, *gradients: Tensor):  # type: ignore[no-untyped-def]
        user_gradient, item_gradient = ctx.saved_tensors
        scale = gradients[0]
        return user_gradient * scale, item_gradient * scale, None, None, None, None


class _Scores:
    """Levels of the candidates for each user of a batch, a block at a time."""

    def __init__(self, user_codes: Tensor, item_codes: Tensor, candidates: Candidates) -> None:
        self.batch, self.bits = user_codes.shape
        self.width = self.bits + 1
        if self.batch * self.width > MOST_BINS:
            raise ValueError(
                f"{self.batch} users of {self.bits} bits are too many at once: users times "
                f"(bits + 1) must be at most {MOST_BINS}"
            )
        self._user_codes = user_codes
        self._item_codes = item_codes
        self._candidates = candidates
        # One more coordinate puts user and level into one exact bin number: the product of these
        # two is u·(f + 1) + (s + f)/2.
        starts = torch.arange(self.batch, device=user_codes.device, dtype=user_codes.dtype)
        starts = starts * self.width + self.bits / 2
        self._user_side = torch.cat([user_codes / 2, starts[:, None]], dim=1)
        self._kept: list[Tensor] = []
        self.special_bins = torch.zeros(
            candidates.n_special, dtype=torch.int64, device=user_codes.device
        )

    def histogram(self) -> Tensor:
        """Candidates on each level: float (b, f + 1).

        On the way ``special_bins`` learns the bin of each special pair inside a block.
        """
        bins = self.batch * self.width
        total = self._user_codes.new_zeros(self.batch, self.width)
        self._kept.clear()
        for block in self._candidates.blocks(BLOCK_ITEMS):
            found = self._bins(self._item_codes[block.items])
            counts = torch.bincount(found.view(-1), minlength=bins)
            special = found[block.users, block.columns]
            self.special_bins[block.pairs] = special
            counts -= torch.bincount(special, minlength=bins)
            total += _scaled(counts.view_as(total).to(total.dtype), block)
            if len(self._kept) < KEPT_BLOCKS:
                self._kept.append(found)
        return total

    def backward(self, table: Tensor, special: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by user and item codes.

        Args:
            table: float (b, f + 1), dL/ds of a candidate by user and level.
            special: float, dL/ds of each special pair, those outside all blocks left out.
        """
        user_gradient = torch.zeros_like(self._user_codes)
        item_gradient = torch.zeros_like(self._item_codes)
        for number, block in enumerate(self._candidates.blocks(BLOCK_ITEMS)):
            codes = self._item_codes[block.items]
            bins = self._kept[number] if number < len(self._kept) else self._bins(codes)
            by_score = torch.take(_scaled(table, block), bins)
            by_score[block.users, block.columns] = special[block.pairs]
            user_gradient.addmm_(by_score, codes)
            item_gradient[block.items] = by_score.T @ self._user_codes
        return user_gradient, item_gradient

    def _bins(self, codes: Tensor) -> Tensor:
        with_one = torch.cat([codes, codes.new_ones(len(codes), 1)], dim=1)
        return (self._user_side @ with_one.T).to(torch.int64)


def _scaled(by_level: Tensor, block: Block) -> Tensor:
    if block.scale is None:
        return by_level
    return by_level * block.scale.to(by_level.dtype)[:, None]


def _levels(user_side: Tensor, item_side: Tensor) -> Tensor:
    """The number of agreeing bits of each pair of rows: int64 (p,)."""
    scores = (user_side * item_side).sum(dim=1)
    return ((scores + user_side.shape[1]) / 2).round().to(torch.int64)
