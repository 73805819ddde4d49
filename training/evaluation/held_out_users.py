"""Held-out interactions, mapped to the rows of a release or of training data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.id_table import IdTable
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.metrics import OUTSIDE, GroundTruth


@dataclass(frozen=True)
class HeldOutUsers:
    """Held-out interactions in the rows of a catalogue: unknown users first, then known ones.

    Attributes:
        users: int64 (b,), the row of each user with a held-out item, increasing; ``OUTSIDE`` for
            unknown users.
        truth: the held-out items of these users; unknown items are ``OUTSIDE``.
    """

    users: NDArray[np.int64]
    truth: GroundTruth

    @classmethod
    def of(cls, held_out: Interactions, users: IdTable, items: IdTable) -> HeldOutUsers:
        """Map the ids of held-out interactions to the rows of two id tables."""
        item_rows = np.full(held_out.n_items, OUTSIDE, dtype=np.int64)
        for item in np.unique(held_out.items):
            row = items.row_of(held_out.item_ids[item])
            item_rows[item] = OUTSIDE if row is None else row
        user_rows = np.full(held_out.n_users, OUTSIDE, dtype=np.int64)
        active = np.unique(held_out.users)
        for user in active:
            row = users.row_of(held_out.user_ids[user])
            user_rows[user] = OUTSIDE if row is None else row

        active = active[np.argsort(user_rows[active], kind="stable")]
        position = np.empty(held_out.n_users, dtype=np.int64)
        position[active] = np.arange(len(active))
        owners = position[held_out.users]
        indptr = np.zeros(len(active) + 1, dtype=np.int64)
        np.cumsum(np.bincount(owners, minlength=len(active)), out=indptr[1:])
        rows = item_rows[held_out.items[np.argsort(owners, kind="stable")]]
        return cls(user_rows[active], GroundTruth(indptr, rows))

    def batches(self, size: int) -> Iterator[tuple[NDArray[np.int64], GroundTruth]]:
        """Iterate over batches of up to ``size`` users, unknown and known users separately."""
        unknown = int((self.users == OUTSIDE).sum())
        starts = [*range(0, unknown, size), *range(unknown, len(self.users), size)]
        for start, stop in zip(starts, [*starts[1:], len(self.users)], strict=True):
            indptr = self.truth.indptr[start : stop + 1]
            rows = self.truth.rows[indptr[0] : indptr[-1]]
            yield self.users[start:stop], GroundTruth(indptr - indptr[0], rows)
