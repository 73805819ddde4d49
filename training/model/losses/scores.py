"""Scores of a batch with its candidates: the count on each level, and gradients by level.

``DenseScores`` uses matrix products, on any device and in any precision; ``PackedScores`` uses
loops over packed bits on a CPU. Both give the same result.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from bitrecall.training.model.losses.candidates import Block, Candidates
from bitrecall.training.recipe.max_bins import MAX_BINS

# Items per block. A block of scores of 1,024 users then takes 8 MiB, which fits into the cache.
BLOCK_ITEMS = 2048

# Number of blocks whose scores the histogram keeps for the gradient, instead of computing them
# again: 16 MiB each for 1,024 users. A sample fits into these blocks.
KEPT_BLOCKS = 8


class Scores(Protocol):
    """Levels of a batch's candidates: the number of equal bits, per user.

    A bin number combines a user and a level: u·(f + 1) + l.

    Attributes:
        special_bins: int64 (s,), the bin of each special pair; set by ``histogram``.
    """

    special_bins: Tensor

    def histogram(self) -> Tensor:
        """Count the candidates on each level, without special pairs: float (b, f + 1)."""

    def backward(self, table: Tensor, special: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the gradients of the scores in blocks with respect to user and item codes.

        Args:
            table: float (b, f + 1), dL/ds of a candidate, by user and level.
            special: float (s,), dL/ds of each special pair; pairs outside all blocks are ignored.
        """


class DenseScores:
    """Score levels by matrix products.

    Args:
        user_codes: float (b, f) of ±1.
        item_codes: float (n, f) of ±1.
        candidates: the items to score.

    Raises:
        ValueError: b·(f + 1) is above ``MAX_BINS``.
    """

    def __init__(self, user_codes: Tensor, item_codes: Tensor, candidates: Candidates) -> None:
        self.batch, self.bits = user_codes.shape
        self.width = self.bits + 1
        if self.batch * self.width > MAX_BINS:
            raise ValueError(
                f"a batch of {self.batch} users of {self.bits} bits is too large: users times "
                f"(bits + 1) must be at most {MAX_BINS}"
            )
        self._user_codes = user_codes
        self._item_codes = item_codes
        self._candidates = candidates
        # One more coordinate makes the product with an item code the exact bin number,
        # u·(f + 1) + (s + f)/2.
        starts = torch.arange(self.batch, device=user_codes.device, dtype=user_codes.dtype)
        starts = starts * self.width + self.bits / 2
        self._user_side = torch.cat([user_codes / 2, starts[:, None]], dim=1)
        self._kept: list[Tensor] = []
        self.special_bins = torch.zeros(
            candidates.n_special, dtype=torch.int64, device=user_codes.device
        )

    def histogram(self) -> Tensor:
        """Count the candidates on each level, float (b, f + 1)."""
        bins = self.batch * self.width
        total = self._user_codes.new_zeros(self.batch, self.width)
        self._kept.clear()
        for block in self._candidates.blocks(BLOCK_ITEMS):
            block_bins = self._bins(self._item_codes[block.items])
            counts = torch.bincount(block_bins.view(-1), minlength=bins)
            special = block_bins[block.users, block.columns]
            self.special_bins[block.pairs] = special
            counts -= torch.bincount(special, minlength=bins)
            total += scaled(counts.view_as(total).to(total.dtype), block)
            if len(self._kept) < KEPT_BLOCKS:
                self._kept.append(block_bins)
        outside = self._candidates.outside
        users = self._candidates.special.users[outside]
        items = self._candidates.special.items[outside]
        levels = ((self._user_codes[users] * self._item_codes[items]).sum(dim=1) + self.bits) / 2
        self.special_bins[outside] = users * self.width + levels.round().to(torch.int64)
        return total

    def backward(self, table: Tensor, special: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the gradients with respect to user and item codes."""
        user_gradient = torch.zeros_like(self._user_codes)
        item_gradient = torch.zeros_like(self._item_codes)
        for number, block in enumerate(self._candidates.blocks(BLOCK_ITEMS)):
            codes = self._item_codes[block.items]
            bins = self._kept[number] if number < len(self._kept) else self._bins(codes)
            by_score = torch.take(scaled(table, block), bins)
            by_score[block.users, block.columns] = special[block.pairs]
            user_gradient.addmm_(by_score, codes)
            item_gradient[block.items] = by_score.T @ self._user_codes
        return user_gradient, item_gradient

    def _bins(self, codes: Tensor) -> Tensor:
        with_one = torch.cat([codes, codes.new_ones(len(codes), 1)], dim=1)
        return (self._user_side @ with_one.T).to(torch.int64)


def scaled(by_level: Tensor, block: Block) -> Tensor:
    """Multiply by the number of candidates per item of the block, float (b, f + 1)."""
    if block.scale is None:
        return by_level
    return by_level * block.scale.to(by_level.dtype)[:, None]
