"""The rows of one or several files over one vocabulary, before repeated pairs are merged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import PairWeight
from bitrecall.training.data.rows.file_rows import FileRows

__all__ = ["PooledRows"]

_ROWS_AT_ONCE: Final = 4_000_000


@dataclass(frozen=True, eq=False)
class PooledRows:
    """Rows in the order of the files, duplicates included.

    Attributes:
        user_ids: m distinct, non-empty strings.
        item_ids: n distinct, non-empty strings.
        users: int32 (rows,), rows of ``user_ids``.
        items: int32 (rows,), rows of ``item_ids``.
        times: float64 (rows,), seconds since 1970-01-01 UTC; None if a file has no times.
        weights: float64 (rows,), above 0, or None.
        in_order: whether a user's later rows are later interactions.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64] | None
    weights: NDArray[np.float64] | None
    in_order: bool

    @classmethod
    def of(
        cls, user_ids: list[str], item_ids: list[str], parts: Sequence[FileRows], in_order: bool
    ) -> PooledRows:
        """Join the rows of files."""
        empty = np.zeros(0, np.int32)
        times = [part.times for part in parts if part.times is not None]
        weights = [part.weights for part in parts if part.weights is not None]
        return cls(
            user_ids,
            item_ids,
            np.concatenate([empty, *(part.users for part in parts)]),
            np.concatenate([empty, *(part.items for part in parts)]),
            np.concatenate(times) if times and len(times) == len(parts) else None,
            np.concatenate(weights) if weights else None,
            in_order,
        )

    @classmethod
    def of_pairs(cls, pairs: Interactions) -> PooledRows:
        """The pairs of interactions, a row each; the only order is that of their times."""
        return cls(
            pairs.user_ids, pairs.item_ids, pairs.users, pairs.items, pairs.times, None, False
        )

    def __len__(self) -> int:
        return len(self.users)

    @property
    def order(self) -> NDArray[np.float64] | None:
        """Larger for later rows of the same user: times, or positions if rows are in order."""
        if self.times is not None or not self.in_order:
            return self.times
        return np.arange(len(self), dtype=np.float64)

    def of_keys(self, keys: NDArray[np.int64]) -> tuple[PooledRows, NDArray[np.float64]]:
        """Return the rows of some pairs, and the order of each: that of times, or of all rows.

        Args:
            keys: increasing keys of pairs, see ``Interactions.keys``; at least one.
        """
        chosen = np.zeros(len(self), np.bool_)
        for start in range(0, len(self), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            part_keys = self.users[part].astype(np.int64) * max(len(self.item_ids), 1)
            part_keys += self.items[part]
            places = np.minimum(np.searchsorted(keys, part_keys), len(keys) - 1)
            chosen[part] = keys[places] == part_keys
        times = None if self.times is None else self.times[chosen]
        order = np.flatnonzero(chosen).astype(np.float64) if times is None else times
        return replace(
            self,
            users=self.users[chosen],
            items=self.items[chosen],
            times=times,
            weights=None if self.weights is None else self.weights[chosen],
        ), order

    def followed_by(self, later: PooledRows) -> PooledRows:
        """Return these rows and then others over the same vocabulary."""
        return PooledRows(
            self.user_ids,
            self.item_ids,
            np.concatenate([self.users, later.users]),
            np.concatenate([self.items, later.items]),
            None
            if self.times is None or later.times is None
            else np.concatenate([self.times, later.times]),
            None
            if self.weights is None or later.weights is None
            else np.concatenate([self.weights, later.weights]),
            self.in_order,
        )

    def collapse(
        self,
        pair_weight: PairWeight,
        order: NDArray[np.float64] | None = None,
        chosen: NDArray[np.bool_] | None = None,
    ) -> Interactions:
        """Merge the rows of each pair.

        Args:
            pair_weight: weight of a pair that occurs in several rows.
            order: float64 (rows,), larger for later rows of the same user; None takes the times, or
                the positions if rows are in order.
            chosen: bool (rows,), the rows that count; None takes all.
        """
        if order is None and self.in_order:
            order = np.arange(len(self), dtype=np.float64)
        rows = slice(None) if chosen is None else chosen
        return collapse(
            self.user_ids,
            self.item_ids,
            self.users[rows],
            self.items[rows],
            None if self.times is None else self.times[rows],
            weights=None if self.weights is None else self.weights[rows],
            pair_weight=pair_weight,
            order=None if order is None else order[rows],
        )
