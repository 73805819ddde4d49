"""Ages of rows: how many later rows the same user has, repetitions of a pair included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.ages import ages_by_user
from bitrecall.training.data.interactions import Interactions

__all__ = ["RowAges"]

# With a smaller share of repetitions, rows are not kept.
_MIN_REPEATED: Final = 0.01
_ROWS_AT_ONCE: Final = 400_000


@dataclass(frozen=True, eq=False)
class RowAges:
    """The rows of pairs. Rows of equal user, item and order are one row.

    Attributes:
        pairs: int32 (rows,), position of each row's pair in ``Interactions``.
        ages: int32 (rows,), number of the user's strictly later rows.
    """

    pairs: NDArray[np.int32]
    ages: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        train: Interactions,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        order: NDArray[np.float64] | None,
        ends: NDArray[np.float64] | None = None,
    ) -> RowAges | None:
        """Number the rows of pairs by age.

        Args:
            train: the pairs; rows of other pairs are ignored.
            users: int32 (rows,), user rows of ``train``.
            items: int32 (rows,), item rows of ``train``.
            order: float64 (rows,), larger for later rows of the same user; None if unknown.
            ends: float64 (m,), for each user the order of the last row that counts; None for all.

        Returns:
            None if the order is unknown, or if few pairs are repeated.
        """
        enough = (1 + _MIN_REPEATED) * len(train)
        if order is None or not train.is_ordered or len(users) < enough:
            return None
        parts = list(_parts(train, users, items, order, ends))
        if sum(len(pairs) for pairs, _ in parts) < enough:
            return None
        pairs, ages = zip(*parts, strict=True)
        return cls(np.concatenate(pairs), np.concatenate(ages))

    @classmethod
    def of_pairs(cls, train: Interactions) -> RowAges | None:
        """Return one row per pair; None if their order is unknown."""
        if train.ages is None:
            return None
        return cls(np.arange(len(train), dtype=np.int32), train.ages)

    def __len__(self) -> int:
        return len(self.pairs)

    def before(self, train: Interactions, latest: NDArray[np.bool_]) -> RowAges:
        """Return the rows before each user's latest pairs, with the ages of that time.

        Args:
            train: the pairs of these rows.
            latest: bool (nnz,), for each user the pairs with the latest last rows. Their rows since
                the first of these last rows are left out.
        """
        owners = train.users[self.pairs]
        newest = np.full(len(train), np.iinfo(np.int32).max, np.int32)
        np.minimum.at(newest, self.pairs, self.ages)
        first = np.full(train.n_users, -1, np.int32)
        np.maximum.at(first, train.users[latest], newest[latest])
        is_later = latest[self.pairs] & (self.ages <= first[owners])
        n_later = np.bincount(owners[is_later], minlength=train.n_users)
        earlier = ~is_later
        ages = np.maximum(self.ages[earlier] - n_later[owners[earlier]], 0)
        return RowAges(self.pairs[earlier], ages.astype(np.int32))

    def followed_by(
        self,
        before: Interactions,
        after: Interactions,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        forgotten: NDArray[np.int64],
    ) -> RowAges | None:
        """Return the rows of more pairs, with later rows.

        Args:
            before: the pairs of these rows.
            after: pairs whose vocabulary begins with that of ``before``; rows of other pairs are
                left out.
            users: int32 (t,), user rows in ``after`` of the later rows, in their order.
            items: int32 (t,), their item rows.
            forgotten: rows of the users whose rows before do not count.

        Returns:
            None if few pairs are repeated.
        """
        later = ages_by_user(users, np.arange(len(users))) if len(users) else users
        counts = np.bincount(users, minlength=after.n_users)
        kept = ~np.isin(before.users[self.pairs], forgotten)
        pairs = self.pairs[kept]
        owners = before.users[pairs]
        ages = np.concatenate([self.ages[kept] + counts[owners], later]).astype(np.int32)
        keys = _keys(
            np.concatenate([owners, users]),
            np.concatenate([before.items[pairs], items]),
            after.n_items,
        )
        places, known = _find(after.keys(), keys)
        if int(known.sum()) < (1 + _MIN_REPEATED) * len(after):
            return None
        return RowAges(places[known].astype(np.int32), ages[known])


def _parts(
    train: Interactions,
    users: NDArray[np.int32],
    items: NDArray[np.int32],
    order: NDArray[np.float64],
    ends: NDArray[np.float64] | None,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Yield pairs and ages of some hundred thousand rows at a time, always all rows of a user."""
    by_user = np.argsort(users, kind="stable")
    last_rows = np.cumsum(np.bincount(users, minlength=train.n_users))
    keys_of_train = train.keys()
    start = 0
    while start < len(by_user):
        last = int(np.searchsorted(last_rows, start + _ROWS_AT_ONCE))
        stop = int(last_rows[min(last, len(last_rows) - 1)])
        rows = by_user[start:stop]
        start = stop
        if ends is not None:
            rows = rows[order[rows] <= ends[users[rows]]]
        places, known = _find(keys_of_train, _keys(users[rows], items[rows], train.n_items))
        rows, places = rows[known], places[known]
        by_pair = np.lexsort((order[rows], places))
        rows, places = rows[by_pair], places[by_pair]
        differs = np.ones(len(rows), np.bool_)
        differs[1:] = (places[1:] != places[:-1]) | (order[rows[1:]] != order[rows[:-1]])
        rows, places = rows[differs], places[differs]
        if len(rows):
            yield places.astype(np.int32), ages_by_user(users[rows], order[rows])


def _keys(
    users: NDArray[np.integer[Any]], items: NDArray[np.integer[Any]], n_items: int
) -> NDArray[np.int64]:
    return np.asarray(users.astype(np.int64) * max(n_items, 1) + items)


def _find(
    sorted_keys: NDArray[np.int64], keys: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the place of each key among sorted ones, and whether it is one of them."""
    if not len(sorted_keys):
        return np.zeros(len(keys), np.int64), np.zeros(len(keys), np.bool_)
    places = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return places, sorted_keys[places] == keys
