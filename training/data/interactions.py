"""The (user, item) pairs that training and evaluation work on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.ages import ages_by_user, orders_most_users
from bitrecall.training.errors import DataError

__all__ = ["Interactions", "iso_time"]


@dataclass(frozen=True, eq=False)
class Interactions:
    """Unique (user, item) pairs, sorted by user row and then by item row.

    The vocabulary may contain ids without pairs: ids of the test split only, a user with an empty
    line, or an item whose pairs are all held out. Splits and selections of an object share its
    lists of ids.

    Attributes:
        user_ids: m distinct, non-empty strings.
        item_ids: n distinct, non-empty strings.
        users: int32 (nnz,), rows of ``user_ids``.
        items: int32 (nnz,), rows of ``item_ids``.
        times: float64 (nnz,), seconds since 1970-01-01 UTC, of each pair's first row; None if
            unknown.
        places: int64 (nnz,), position of each pair's first row in the source, or None if unknown.
            Files without times often list each user's pairs in order.
        weights: float32 (nnz,), weight of each pair in training, above 0 and finite, on any scale;
            None weights all alike.
        order: float64 (nnz,), larger for later pairs of the same user, of each pair's last row: its
            time, or its position if the rows are in order. The default is ``times``; None if
            unknown.

    Raises:
        DataError: the arrays differ in length, have a wrong dtype, or contain rows outside the
            vocabulary.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64] | None = None
    places: NDArray[np.int64] | None = None
    weights: NDArray[np.float32] | None = None
    order: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name, rows, limit in (
            ("users", self.users, len(self.user_ids)),
            ("items", self.items, len(self.item_ids)),
        ):
            if rows.dtype != np.int32 or rows.shape != self.users.shape or rows.ndim != 1:
                raise DataError(f"{name} must be int32 and as long as users, not {rows.dtype}")
            if rows.size and (rows.min() < 0 or rows.max() >= limit):
                raise DataError(f"{name} contains rows outside the {limit} ids of the vocabulary")
        if self.order is None:
            object.__setattr__(self, "order", self.times)
        for name, values in (("times", self.times), ("order", self.order)):
            if values is not None and (
                values.dtype != np.float64 or values.shape != self.users.shape
            ):
                raise DataError(f"{name} must be float64 and as long as users")
        if self.places is not None and (
            self.places.dtype != np.int64 or self.places.shape != self.users.shape
        ):
            raise DataError("places must be int64 and as long as users")
        if self.weights is not None:
            if self.weights.dtype != np.float32 or self.weights.shape != self.users.shape:
                raise DataError("weights must be float32 and as long as users")
            if not (np.isfinite(self.weights) & (self.weights > 0)).all():
                raise DataError("weights must be finite and above 0")

    def __len__(self) -> int:
        return len(self.users)

    @property
    def n_users(self) -> int:
        """Number of users in the vocabulary, including those without pairs."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Number of items in the vocabulary, including those without pairs."""
        return len(self.item_ids)

    @cached_property
    def user_degrees(self) -> NDArray[np.int64]:
        """Number of pairs of each user, int64 (m,)."""
        return np.bincount(self.users, minlength=self.n_users).astype(np.int64, copy=False)

    @cached_property
    def item_degrees(self) -> NDArray[np.int64]:
        """Number of pairs of each item (its popularity), int64 (n,)."""
        return np.bincount(self.items, minlength=self.n_items).astype(np.int64, copy=False)

    @cached_property
    def indptr(self) -> NDArray[np.int64]:
        """Start of each user's pairs, int64 (m + 1,): ``items[indptr[u]:indptr[u + 1]]``."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.user_degrees)])

    @cached_property
    def is_ordered(self) -> bool:
        """Whether the order of each user's pairs is known, see ``orders_most_users``."""
        return self.order is not None and orders_most_users(self.users, self.order)

    @cached_property
    def ages(self) -> NDArray[np.int32] | None:
        """For each pair, the number of the user's strictly later pairs, int32 (nnz,).

        None if the order is unknown: there is none, or fewer than half of the users with several
        pairs have two of different order (times that are all alike, such as those of an import).
        """
        if self.order is None or not self.is_ordered:
            return None
        return ages_by_user(self.users, self.order)

    @property
    def order_name(self) -> str:
        """What tells which of a user's pairs are later, for messages."""
        if self.times is not None:
            return "timestamp"
        return "the order of lines" if self.order is not None else "their order in the file"

    @property
    def _has_ages_of_times(self) -> bool:
        """Whether ``ages`` are those that the order of the times gives."""
        if self.order is self.times:
            return True
        by_times = None
        if self.times is not None and orders_most_users(self.users, self.times):
            by_times = ages_by_user(self.users, self.times)
        if self.ages is None or by_times is None:
            return self.ages is by_times
        return bool((self.ages == by_times).all())

    @property
    def first_time(self) -> str | None:
        """The earliest time as ISO 8601 in UTC, or None without times or pairs."""
        return iso_time(self.times.min()) if self.times is not None and len(self) else None

    @property
    def last_time(self) -> str | None:
        """The latest time as ISO 8601 in UTC, or None without times or pairs."""
        return iso_time(self.times.max()) if self.times is not None and len(self) else None

    def keys(self) -> NDArray[np.int64]:
        """Encode each pair as user row * n + item row, int64 (nnz,), increasing."""
        return self.users.astype(np.int64) * max(self.n_items, 1) + self.items

    def items_of(self, user: int) -> NDArray[np.int32]:
        """Return the item rows of a user's pairs, increasing."""
        return self.items[self.indptr[user] : self.indptr[user + 1]]

    def select(self, chosen: NDArray[np.bool_]) -> Interactions:
        """Return the pairs that a boolean mask (nnz,) selects, over the same vocabulary."""
        return Interactions(
            self.user_ids,
            self.item_ids,
            self.users[chosen],
            self.items[chosen],
            None if self.times is None else self.times[chosen],
            None if self.places is None else self.places[chosen],
            None if self.weights is None else self.weights[chosen],
            None if self.order is None or self.order is self.times else self.order[chosen],
        )

    def compact(self) -> Interactions:
        """Return the same pairs over a vocabulary without unused ids, in the same order."""
        user_rows = np.flatnonzero(self.user_degrees)
        item_rows = np.flatnonzero(self.item_degrees)
        return Interactions(
            [self.user_ids[row] for row in user_rows],
            [self.item_ids[row] for row in item_rows],
            np.searchsorted(user_rows, self.users).astype(np.int32),
            np.searchsorted(item_rows, self.items).astype(np.int32),
            self.times,
            self.places,
            self.weights,
            self.order,
        )

    def relative_weights(self) -> NDArray[np.float32] | None:
        """Return weights with a mean of 1, float32 (nnz,); None if all weights are equal.

        Training uses these, so that the scale of the weights does not change its result, and equal
        weights give the result of no weights.
        """
        weights = self.weights
        if weights is None or not len(weights) or weights.min() == weights.max():
            return None
        relative = weights / weights.mean(dtype=np.float64)
        # A weight too small for a float32 must not make a pair vanish.
        smallest = np.finfo(np.float32).tiny
        weights_32: NDArray[np.float32] = np.maximum(relative, smallest).astype(np.float32)
        return weights_32

    def sha256(self) -> str:
        """Return a fingerprint of the pairs, times, weights and order, in hexadecimal.

        It does not depend on the order of the rows (places are not hashed), on the order of the
        vocabulary, or on ids without pairs. The hashed bytes are, in this order:

        1. the line ``bitrecall interactions 1``;
        2. the number of user ids (uint32), then the user ids in code point order, each as its
           length in bytes (uint32) and its UTF-8;
        3. the item ids likewise;
        4. for the pairs sorted by user and item in those orders: the user ranks (int32), the item
           ranks (int32) and, if the pairs have times, the times (float64);
        5. if the pairs have weights, the line ``weights`` and the weights (float32);
        6. if the ages are not those by the times, the line ``ages`` and, if the order is known, the
           ages (int32).

        All numbers are little-endian.
        """
        compact = self.compact()
        digest = hashlib.sha256(b"bitrecall interactions 1\n")
        ranked = []
        for ids, rows in ((compact.user_ids, compact.users), (compact.item_ids, compact.items)):
            order = sorted(range(len(ids)), key=ids.__getitem__)
            rank = np.empty(len(ids), "<i4")
            rank[order] = np.arange(len(ids), dtype="<i4")
            ranked.append(rank[rows])
            digest.update(len(ids).to_bytes(4, "little"))
            for row in order:
                text = ids[row].encode()
                digest.update(len(text).to_bytes(4, "little") + text)
        order_of_pairs = np.lexsort((ranked[1], ranked[0]))
        for ranks in ranked:
            digest.update(ranks[order_of_pairs].tobytes())
        if self.times is not None:
            # Adding zero turns -0.0 into 0.0: the same instant must give the same bytes.
            digest.update((self.times[order_of_pairs] + 0.0).astype("<f8").tobytes())
        if self.weights is not None:
            digest.update(b"weights\n")
            digest.update(self.weights[order_of_pairs].astype("<f4").tobytes())
        if not self._has_ages_of_times:
            digest.update(b"ages\n")
            if self.ages is not None:
                digest.update(self.ages[order_of_pairs].astype("<i4").tobytes())
        return digest.hexdigest()


def iso_time(seconds: float) -> str:
    """Format seconds since 1970-01-01 UTC as ISO 8601, rounded down to the second."""
    return datetime.fromtimestamp(np.floor(seconds), UTC).isoformat().replace("+00:00", "Z")
