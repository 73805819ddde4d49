"""The items that a batch of users ranks, in blocks: the whole catalogue or a sample of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bitrecall.training.model.losses.pairs import Pairs, Sample


def taken_pairs(positives: Pairs, excluded: Pairs | None) -> Pairs:
    """Return the pairs that are not negatives: the positives, then the excluded pairs."""
    if excluded is None:
        return positives
    return Pairs(
        torch.cat([positives.users, excluded.users]),
        torch.cat([positives.items, excluded.items]),
    )


@dataclass(frozen=True)
class Block:
    """Some of the items, and the special pairs among them, which are not candidates.

    Attributes:
        items: rows of the catalogue, c of them: a slice or int64 (c,).
        users: int64 (s,), positions in the batch of the special pairs inside the block.
        columns: int64 (s,), positions in the block of the same pairs.
        pairs: int64 (s,), positions of the same pairs in the list of all special pairs.
        scale: float64 (b,), the number of candidates that each item of the block represents;
            None if each represents only itself.
    """

    items: slice | Tensor
    users: Tensor
    columns: Tensor
    pairs: Tensor
    scale: Tensor | None


class Candidates:
    """All items, or a sample of them, except each user's special pairs.

    Args:
        n_users: b, the number of users in the batch.
        n_items: n, the number of items in the catalogue.
        special: pairs that are not candidates; pairs are unique.
        sample: the items that represent the catalogue; None uses all of it.

    Attributes:
        special: the s pairs that are not candidates.
        outside: int64, positions of the special pairs whose items are in no block, ascending.
    """

    def __init__(
        self, n_users: int, n_items: int, special: Pairs, sample: Sample | None = None
    ) -> None:
        self._n_users = n_users
        self._rows = None if sample is None else sample.rows
        self._head = n_items if sample is None else sample.head
        self._length = n_items if self._rows is None else len(self._rows)
        self.special = special
        columns = special.items
        if self._rows is not None:
            position = torch.full((n_items,), -1, dtype=torch.int64, device=self._rows.device)
            position[self._rows] = torch.arange(len(self._rows), device=self._rows.device)
            columns = position[special.items]
        self.outside = torch.nonzero(columns < 0).flatten()
        self._pairs = torch.argsort(columns, stable=True)[len(self.outside) :]
        self._users, self._columns = special.users[self._pairs], columns[self._pairs]
        self._scale = self._tail_scale(n_items, special)

    @property
    def n_special(self) -> int:
        """Number of special pairs."""
        return len(self.special.users)

    def outside_positives(self, positives: Pairs) -> tuple[Tensor, Pairs]:
        """Return the positives whose items are in no block, and their positions among all.

        Args:
            positives: the first of the special pairs.
        """
        places = self.outside[self.outside < len(positives.users)]
        return places, Pairs(positives.users[places], positives.items[places])

    def blocks(self, size: int) -> Iterator[Block]:
        """Iterate over the items in blocks of at most ``size``."""
        for first, last in ((0, self._head), (self._head, self._length)):
            for start in range(first, last, size):
                yield self._block(start, min(start + size, last))

    def _block(self, start: int, end: int) -> Block:
        bounds = torch.tensor([start, end], device=self._columns.device)
        first, last = torch.searchsorted(self._columns, bounds).tolist()
        inside = start < self._head
        return Block(
            slice(start, end) if self._rows is None or inside else self._rows[start:end],
            self._users[first:last],
            self._columns[first:last] - start,
            self._pairs[first:last],
            None if inside else self._scale,
        )

    def _tail_scale(self, n_items: int, special: Pairs) -> Tensor | None:
        if self._length == n_items:
            return None
        of_tail = special.users[special.items >= self._head]
        drawn = self._users[self._columns >= self._head]
        in_catalogue = n_items - self._head - torch.bincount(of_tail, minlength=self._n_users)
        in_sample = self._length - self._head - torch.bincount(drawn, minlength=self._n_users)
        return in_catalogue.double() / in_sample.clamp(min=1).double()


def add_pair_gradients(
    gradients: tuple[Tensor, Tensor],
    user_codes: Tensor,
    item_codes: Tensor,
    pairs: Pairs,
    slopes: Tensor,
) -> None:
    """Add the gradients of pairs that are scored outside the blocks.

    Args:
        gradients: float (b, f) and (n, f), of users and items; changed in place.
        user_codes: float (b, f).
        item_codes: float (n, f).
        pairs: p pairs.
        slopes: float (p,), dL/ds of each pair.
    """
    user_gradient, item_gradient = gradients
    user_gradient.index_add_(0, pairs.users, item_codes[pairs.items].mul_(slopes[:, None]))
    item_gradient.index_add_(0, pairs.items, user_codes[pairs.users].mul_(slopes[:, None]))
