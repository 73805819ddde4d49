"""The items each user has been seen with, for leaving them out of answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from index.errors import ReleaseContentsError, SearchError


@dataclass(frozen=True, eq=False)
class SeenItems:
    """Compressed rows: user u has seen `rows[indptr[u]:indptr[u + 1]]`.

    `indptr` is int64 (m + 1,); `rows` is int32 (nnz,), item rows, strictly increasing within a
    user. Either may be memory-mapped.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]

    @classmethod
    def from_pairs(
        cls, users: NDArray[np.integer[Any]], items: NDArray[np.integer[Any]], n_users: int
    ) -> Self:
        """Build from pairs (user row, item row) in any order; a pair given twice counts once.

        Raises ReleaseContentsError on arrays of different lengths, or rows that are negative or
        beyond `n_users`.
        """
        users, items = np.asarray(users), np.asarray(items)
        if users.shape != items.shape or users.ndim != 1:
            raise ReleaseContentsError(
                f"{users.shape} users and {items.shape} items do not make pairs"
            )
        if users.size and (users.min() < 0 or users.max() >= n_users or items.min() < 0):
            raise ReleaseContentsError(f"a seen pair lies outside the {n_users} users")
        order = np.lexsort((items, users))
        users, items = users[order], items[order]
        fresh = np.ones(len(users), np.bool_)
        fresh[1:] = (users[1:] != users[:-1]) | (items[1:] != items[:-1])
        counts = np.bincount(users[fresh].astype(np.int64), minlength=n_users)
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
        return cls(indptr, items[fresh].astype(np.int32))

    @classmethod
    def from_lists(cls, lists: Iterable[Iterable[int]]) -> Self:
        """Build from one collection of item rows a user, in any order."""
        rows = [np.unique(np.fromiter(items, np.int64)) for items in lists]
        users = np.repeat(np.arange(len(rows)), [len(items) for items in rows])
        joined = np.concatenate(rows) if rows else np.empty(0, np.int64)
        return cls.from_pairs(users, joined, len(rows))

    def __len__(self) -> int:
        """Count the users."""
        return len(self.indptr) - 1

    def __getitem__(self, user: int) -> NDArray[np.int32]:
        """Return the item rows of the user at row `user`, increasing. Raises SearchError."""
        if not 0 <= user < len(self):
            raise SearchError(f"there is no user row {user} among {len(self)}")
        return self.rows[int(self.indptr[user]) : int(self.indptr[user + 1])]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many items each user has seen, int64 (m,)."""
        return np.diff(self.indptr)

    def fault(self, n_users: int, n_items: int) -> str | None:
        """Say what is wrong with these rows for `n_users` and `n_items`; None where nothing is."""
        indptr, rows = self.indptr, self.rows
        if indptr.dtype != np.int64 or rows.dtype != np.int32:
            return f"indptr is {indptr.dtype} and rows {rows.dtype}, not int64 and int32"
        if indptr.shape != (n_users + 1,) or rows.ndim != 1:
            return f"indptr has shape {indptr.shape} for {n_users} users"
        if indptr[0] != 0 or indptr[-1] != len(rows) or (indptr[1:] < indptr[:-1]).any():
            return f"indptr does not rise from 0 to {len(rows)}"
        if rows.size and (rows.min() < 0 or rows.max() >= n_items):
            return f"an item row lies outside 0 … {n_items - 1}"
        starts = np.zeros(len(rows) + 1, np.bool_)
        starts[indptr] = True
        if ((rows[1:] <= rows[:-1]) & ~starts[1:-1]).any():
            return "the item rows of a user are not strictly increasing"
        return None
