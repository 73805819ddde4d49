"""The pairs that a loss ranks, and a sample of items that represents the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Pairs:
    """Some (user, item) pairs of a batch.

    Attributes:
        users: int64 (p,), positions in the batch.
        items: int64 (p,), item rows; pairs are unique.
    """

    users: Tensor
    items: Tensor


@dataclass(frozen=True)
class Sample:
    """Items that represent the catalogue: the first rows, and a uniform draw of the others.

    Rows are in descending popularity, so the first rows are most of the items near the top of any
    list. The drawn rows, weighted up, keep sums over the catalogue unbiased.

    Attributes:
        head: number of first rows that are included.
        drawn: int64 (c,), distinct rows from ``head`` up, drawn uniformly.
    """

    head: int
    drawn: Tensor

    @property
    def rows(self) -> Tensor:
        """All rows of the sample, int64 (head + c,)."""
        first = torch.arange(self.head, device=self.drawn.device)
        return torch.cat([first, self.drawn])


def weights_of(positives: Pairs, weights: Tensor | None, codes: Tensor) -> Tensor:
    """Return the weights of the positives; None becomes equal weights that sum to 1.

    Args:
        positives: p pairs.
        weights: float (p,), or None.
        codes: equal weights get its data type and device.
    """
    if weights is None:
        return codes.new_full(positives.users.shape, 1 / max(len(positives.users), 1))
    return weights
