"""What an evaluation asks, in the rows of what answers."""

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
    """The held-out interactions in the rows of what answers: unknown users first, then the known.

    Attributes:
        users: int64 (b,), the row of each user who has a held-out item, ``OUTSIDE`` for those
            unknown; increasing.
        truth: what these users chose; items unknown are ``OUTSIDE``.
    """

    users: NDArray[np.int64]
    truth: GroundTruth

    @classmethod
    def of(cls, held_out: Interactions, users: IdTable, items: IdTable) -> HeldOutUsers:
        """Look up the ids of the held-out interactions among those of what answers."""
        item_rows = np.full(held_out.n_items, OUTSIDE, dtype=np.int64)
        for item in np.unique(held_out.items):
            row = items.row_of(held_out.item_ids[item])
            item_rows[item] = OUTSIDE if row is None else row
        user_rows = np.full(held_out.n_users, OUTSIDE, dtype=np.int64)
        asked = np.unique(held_out.users)
        for user in asked:
            row = users.row_of(held_out.user_ids[user])
            user_rows[user] = OUTSIDE if row is None else row

        asked = asked[np.argsort(user_rows[asked], kind="stable")]
        place = np.empty(held_out.n_users, dtype=np.int64)
        place[asked] = np.arange(len(asked))
        owners = place[held_out.users]
        indptr = np.zeros(len(asked) + 1, dtype=np.int64)
        np.cumsum(np.bincount(owners, minlength=len(asked)), out=indptr[1:])
        rows = item_rows[held_out.items[np.argsort(owners, kind="stable")]]
        return cls(user_rows[asked], GroundTruth(indptr, rows))

    def batches(self, size: int) -> Iterator[tuple[NDArray[np.int64], GroundTruth]]:
        """Give the users in parts of at most ``size``, unknown and known ones never mixed."""
        unknown = int((self.users == OUTSIDE).sum())
        starts = [*range(0, unknown, size), *range(unknown, len(self.users), size)]
        for start, stop in zip(starts, [*starts[1:], len(self.users)], strict=True):
            indptr = self.truth.indptr[start : stop + 1]
            rows = self.truth.rows[indptr[0] : indptr[-1]]
            yield self.users[start:stop], GroundTruth(indptr - indptr[0], rows)
