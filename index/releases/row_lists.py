"""Lists of rows, one per owner: the items of a user, or the items with a tag."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import ReleaseContentsError, SearchError


@dataclass(frozen=True, eq=False)
class RowLists:
    """Compressed lists of rows: owner o has ``rows[indptr[o]:indptr[o + 1]]``.

    Attributes:
        indptr: int64 (m + 1,), may be memory-mapped.
        rows: int32 (nnz,), strictly increasing per owner, may be memory-mapped.
    """

    indptr: NDArray[np.int64]
    rows: NDArray[np.int32]

    @classmethod
    def from_pairs(
        cls, owners: NDArray[np.integer[Any]], rows: NDArray[np.integer[Any]], n_owners: int
    ) -> Self:
        """Build from pairs (owner, row) in any order; repeated pairs count once.

        Raises:
            ReleaseContentsError: the arrays differ in length, an owner or a row is negative, or an
                owner is not below ``n_owners``.
        """
        owners, rows = np.asarray(owners), np.asarray(rows)
        if owners.shape != rows.shape or owners.ndim != 1:
            raise ReleaseContentsError(
                f"owners of shape {owners.shape} and rows of shape {rows.shape} do not match"
            )
        if owners.size and (owners.min() < 0 or owners.max() >= n_owners or rows.min() < 0):
            raise ReleaseContentsError(
                f"a row is negative, or an owner is outside 0 … {n_owners - 1}"
            )
        order = np.lexsort((rows, owners))
        owners, rows = owners[order], rows[order]
        is_first = np.ones(len(owners), np.bool_)
        is_first[1:] = (owners[1:] != owners[:-1]) | (rows[1:] != rows[:-1])
        counts = np.bincount(owners[is_first].astype(np.int64), minlength=n_owners)
        indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
        return cls(indptr, rows[is_first].astype(np.int32))

    @classmethod
    def from_lists(cls, lists: Iterable[Iterable[int]]) -> Self:
        """Build from one collection of rows per owner, in any order."""
        rows = [np.unique(np.fromiter(row_list, np.int64)) for row_list in lists]
        owners = np.repeat(np.arange(len(rows)), [len(row_list) for row_list in rows])
        joined = np.concatenate(rows) if rows else np.empty(0, np.int64)
        return cls.from_pairs(owners, joined, len(rows))

    def __len__(self) -> int:
        """Return the number of owners."""
        return len(self.indptr) - 1

    def __getitem__(self, owner: int) -> NDArray[np.int32]:
        """Return the rows of an owner, increasing. Raises SearchError on an unknown owner."""
        if not 0 <= owner < len(self):
            raise SearchError(f"there is no list {owner} among {len(self)}")
        return self.rows[int(self.indptr[owner]) : int(self.indptr[owner + 1])]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows per owner, int64 (m,)."""
        return np.diff(self.indptr)

    def fault(self, n_owners: int, n_rows: int) -> str | None:
        """Return what is wrong with these lists of rows 0 … ``n_rows`` - 1, or None."""
        indptr, rows = self.indptr, self.rows
        if indptr.dtype != np.int64 or rows.dtype != np.int32:
            return f"indptr is {indptr.dtype} and rows {rows.dtype}, not int64 and int32"
        if indptr.shape != (n_owners + 1,) or rows.ndim != 1:
            return f"indptr has shape {indptr.shape} for {n_owners} lists"
        if indptr[0] != 0 or indptr[-1] != len(rows) or (indptr[1:] < indptr[:-1]).any():
            return f"indptr does not rise from 0 to {len(rows)}"
        if rows.size and (rows.min() < 0 or rows.max() >= n_rows):
            return f"a row is outside 0 … {n_rows - 1}"
        starts = np.zeros(len(rows) + 1, np.bool_)
        starts[indptr] = True
        if ((rows[1:] <= rows[:-1]) & ~starts[1:-1]).any():
            return "the rows of a list are not strictly increasing"
        return None
