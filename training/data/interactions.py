"""The (user, item) pairs that everything else works on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.errors import DataError

__all__ = ["Interactions", "iso_time"]


@dataclass(frozen=True, eq=False)
class Interactions:
    """Unique (user, item) pairs, sorted by user row and then by item row.

    Rows count into the object's own vocabulary, which may hold ids without any pair: those of a
    test split, a user whose line was empty, or an item whose pairs were all held out. Objects
    made from one another (splits, selections) share the vocabulary's lists.

    Attributes:
        user_ids: m distinct, non-empty strings.
        item_ids: n distinct, non-empty strings.
        users: int32 (nnz,), rows of `user_ids`.
        items: int32 (nnz,), rows of `item_ids`.
        times: float64 (nnz,), seconds since 1970-01-01 UTC, or None where none are known.
        places: int64 (nnz,), where each pair stood among the rows that were read, or None where
            nothing is known of it. Files without times often have each user's pairs in order.
        weights: float32 (nnz,), how much each pair counts in training, above 0 and finite, on any
            scale; None counts all alike.

    Raises:
        DataError: the arrays differ in length, have another dtype, or point outside the
            vocabulary.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64] | None = None
    places: NDArray[np.int64] | None = None
    weights: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        for name, rows, limit in (
            ("users", self.users, len(self.user_ids)),
            ("items", self.items, len(self.item_ids)),
        ):
            if rows.dtype != np.int32 or rows.shape != self.users.shape or rows.ndim != 1:
                raise DataError(f"{name} must be int32 and as long as users, not {rows.dtype}")
            if rows.size and (rows.min() < 0 or rows.max() >= limit):
                raise DataError(f"{name} holds rows outside the {limit} ids of the vocabulary")
        if self.times is not None and (
            self.times.dtype != np.float64 or self.times.shape != self.users.shape
        ):
            raise DataError("times must be float64 and as long as users")
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
        """Users in the vocabulary, those without a pair included."""
        return len(self.user_ids)

    @property
    def n_items(self) -> int:
        """Items in the vocabulary, those without a pair included."""
        return len(self.item_ids)

    @cached_property
    def user_degrees(self) -> NDArray[np.int64]:
        """Pairs of each user, int64 (m,)."""
        return np.bincount(self.users, minlength=self.n_users).astype(np.int64, copy=False)

    @cached_property
    def item_degrees(self) -> NDArray[np.int64]:
        """Pairs of each item, int64 (n,): its popularity."""
        return np.bincount(self.items, minlength=self.n_items).astype(np.int64, copy=False)

    @cached_property
    def indptr(self) -> NDArray[np.int64]:
        """Where each user's pairs start, int64 (m + 1,): `items[indptr[u]:indptr[u + 1]]`."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.user_degrees)])

    @property
    def first_time(self) -> str | None:
        """The earliest time as ISO 8601 in UTC, or None without times or pairs."""
        return iso_time(self.times.min()) if self.times is not None and len(self) else None

    @property
    def last_time(self) -> str | None:
        """The latest time as ISO 8601 in UTC, or None without times or pairs."""
        return iso_time(self.times.max()) if self.times is not None and len(self) else None

    def keys(self) -> NDArray[np.int64]:
        """One number a pair, user row times n plus item row, int64 (nnz,), increasing."""
        return self.users.astype(np.int64) * max(self.n_items, 1) + self.items

    def items_of(self, user: int) -> NDArray[np.int32]:
        """The item rows of one user's pairs, increasing."""
        return self.items[self.indptr[user] : self.indptr[user + 1]]

    def select(self, chosen: NDArray[np.bool_]) -> Interactions:
        """The pairs where the mask (nnz,) holds, over the same vocabulary."""
        return Interactions(
            self.user_ids,
            self.item_ids,
            self.users[chosen],
            self.items[chosen],
            None if self.times is None else self.times[chosen],
            None if self.places is None else self.places[chosen],
            None if self.weights is None else self.weights[chosen],
        )

    def compact(self) -> Interactions:
        """The same pairs over a vocabulary of only the ids that have one, order kept."""
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
        )

    def relative_weights(self) -> NDArray[np.float32] | None:
        """Weights with a mean of 1, float32 (nnz,); None if all pairs weigh the same.

        Training takes these, so that neither the scale of the weights nor weights that are all
        alike change its result.
        """
        weights = self.weights
        if weights is None or not len(weights) or weights.min() == weights.max():
            return None
        relative = weights / weights.mean(dtype=np.float64)
        # A weight too small for a float32 must not make a pair vanish.
        least = np.finfo(np.float32).tiny
        found: NDArray[np.float32] = np.maximum(relative, least).astype(np.float32)
        return found

    def sha256(self) -> str:
        """A fingerprint of the pairs and their times, in hexadecimal.

        It depends neither on the order of the rows (their places are not hashed) nor on that of
        the vocabulary, nor on ids without a pair. Hashed are, one after the other, the line
        `bitrecall interactions 1`; the user ids in the order of their code points, each as its
        length in bytes (uint32) and its UTF-8; the item ids likewise; then, sorted by user and
        item in those orders, the user ranks (int32), the item ranks (int32) and, where there are
        times, those (float64); where there are weights, the line `weights` and those (float32).
        All numbers are little-endian, and each of the two lists of ids
        follows its length (uint32).
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
            # Adding zero makes -0.0 and 0.0, which are the same instant, the same bytes.
            digest.update((self.times[order_of_pairs] + 0.0).astype("<f8").tobytes())
        if self.weights is not None:
            digest.update(b"weights\n")
            digest.update(self.weights[order_of_pairs].astype("<f4").tobytes())
        return digest.hexdigest()


def iso_time(seconds: float) -> str:
    """Seconds since 1970-01-01 UTC as ISO 8601, to the second (rounded down)."""
    return datetime.fromtimestamp(np.floor(seconds), UTC).isoformat().replace("+00:00", "Z")
