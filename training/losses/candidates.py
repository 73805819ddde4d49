"""The items a batch of users ranks, a block at a time: all of the catalogue, or a sample of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from training.losses.smooth_recall import Pairs


def taken_pairs(positives: Pairs, excluded: Pairs | None) -> Pairs:
    """The pairs that are no negatives: positives first, then what is excluded."""
    if excluded is None:
        return positives
    return Pairs(
        torch.cat([positives.users, excluded.users]),
        torch.cat([positives.items, excluded.items]),
    )


@dataclass(frozen=True)
class Block:
    """Some of the items, and the pairs among them that are not for this ranking.

    Attributes:
        items: rows of the catalogue, c of them: a slice or int64 (c,).
        users: int64 (s,), positions in the batch of the special pairs inside the block.
        columns: int64 (s,), positions in the block of the same pairs.
    """

    items: slice | Tensor
    users: Tensor
    columns: Tensor


class Candidates:
    """All items, or a uniform sample of them, without each user's special pairs.

    Args:
        n_users: b, the users of the batch.
        n_items: n, the items of the catalogue.
        special: pairs that are not candidates; a pair occurs once.
        sample: int64 (c,) distinct item rows, drawn uniformly; None is the whole catalogue.
    """

    def __init__(
        self, n_users: int, n_items: int, special: Pairs, sample: Tensor | None = None
    ) -> None:
        self._sample = sample
        self._length = n_items if sample is None else len(sample)
        users, columns = special.users, special.items
        if sample is not None:
            position = torch.full((n_items,), -1, dtype=torch.int64, device=sample.device)
            position[sample] = torch.arange(len(sample), device=sample.device)
            columns = position[special.items]
            users, columns = users[columns >= 0], columns[columns >= 0]
        order = torch.argsort(columns)
        self._users, self._columns = users[order], columns[order]
        self._all = n_items - torch.bincount(special.users, minlength=n_users)
        self._inside = self._length - torch.bincount(self._users, minlength=n_users)

    def scale(self, dtype: torch.dtype) -> Tensor:
        """How many candidates each one that is looked at stands for: (b,), 1 without a sample."""
        return self._all.to(dtype) / self._inside.clamp(min=1).to(dtype)

    def blocks(self, size: int) -> Iterator[Block]:
        """Go through the items in blocks of at most ``size``."""
        for start in range(0, self._length, size):
            end = min(start + size, self._length)
            bounds = torch.tensor([start, end], device=self._columns.device)
            first, last = torch.searchsorted(self._columns, bounds).tolist()
            yield Block(
                slice(start, end) if self._sample is None else self._sample[start:end],
                self._users[first:last],
                self._columns[first:last] - start,
            )
