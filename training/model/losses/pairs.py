"""What a loss ranks: pairs of a batch's users with items, and the items that stand for all."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pairs:
    """Some (user, item) pairs of a batch.

    Attributes:
        users: int64 (p,), positions in the batch.
        items: int64 (p,), item rows; a pair occurs once.
    """

    users: Tensor
    items: Tensor


@dataclass(frozen=True)
class Sample:
    """Items that stand for the catalogue: the first rows, and a uniform draw of the others.

    Rows are in descending popularity, so the first of them are most of what ends high in any
    list, and the rest, drawn and weighted up, keeps sums over the catalogue unbiased.

    Attributes:
        head: how many of the first rows are in.
        drawn: int64 (c,), distinct rows from ``head`` up, drawn uniformly.
    """

    head: int
    drawn: Tensor

    @property
    def rows(self) -> Tensor:
        """All rows that are in, int64 (head + c,)."""
        first = torch.arange(self.head, device=self.drawn.device)
        return torch.cat([first, self.drawn])
