"""Fitted float recommenders, which rank all items for a block of users at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.index.recommend.popular import popular_lists
from bitrecall.training.evaluation.inner_product import block_users, rank_scores


class Recommender(Protocol):
    """A fitted recommender.

    Attributes:
        bytes_per_item: size of what it stores of the items, over their number.
    """

    @property
    def bytes_per_item(self) -> int:
        """Size of what it stores of the items, over their number."""

    def lists(
        self, users: NDArray[np.int64], depth: int, seen: Sequence[NDArray[np.int32]]
    ) -> NDArray[np.int64]:
        """Rank items for some users.

        Args:
            users: int64 (b,) rows.
            depth: length of the lists.
            seen: for each user the item rows to exclude.

        Returns:
            int64 (b, depth) item rows, padded with -1.
        """


class Popular:
    """The popular list.

    Args:
        n_items: number of items, in descending popularity.
    """

    bytes_per_item = 4

    def __init__(self, n_items: int) -> None:
        self._n_items = n_items

    def lists(
        self, users: NDArray[np.int64], depth: int, seen: Sequence[NDArray[np.int32]]
    ) -> NDArray[np.int64]:
        """Return the most popular unseen items (see ``Recommender``)."""
        del users
        return popular_lists(self._n_items, depth, seen)


class Scored:
    """Ranks by scores of all items.

    Args:
        scores: maps int64 (b,) user rows to float32 (b, n_items), which may be overwritten.
        n_items: number of items.
        bytes_per_item: see ``Recommender``.
    """

    def __init__(
        self, scores: Callable[[NDArray[np.int64]], Tensor], n_items: int, bytes_per_item: int
    ) -> None:
        self.scores = scores
        self._n_items = n_items
        self.bytes_per_item = bytes_per_item

    def lists(
        self, users: NDArray[np.int64], depth: int, seen: Sequence[NDArray[np.int32]]
    ) -> NDArray[np.int64]:
        """Return the items with the highest scores (see ``Recommender``)."""
        size = block_users(self._n_items)
        return np.concatenate(
            [
                rank_scores(
                    self.scores(users[start : start + size]), depth, seen[start : start + size]
                )
                for start in range(0, len(users), size)
            ]
        )


class Listed:
    """Lists that were computed before.

    Args:
        users: int64 (b,) rows, ascending.
        ranked: integers (b, K), the item rows of each user, padded with -1.
        bytes_per_item: see ``Recommender``.
    """

    def __init__(
        self, users: NDArray[np.int64], ranked: NDArray[np.integer[Any]], bytes_per_item: int
    ) -> None:
        self._users = users
        self._ranked = ranked
        self.bytes_per_item = bytes_per_item

    def lists(
        self, users: NDArray[np.int64], depth: int, seen: Sequence[NDArray[np.int32]]
    ) -> NDArray[np.int64]:
        """Return the first entries of the users' lists (see ``Recommender``)."""
        del seen
        return self._ranked[np.searchsorted(self._users, users), :depth].astype(np.int64)
