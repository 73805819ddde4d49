"""Candidates of all users, and rows of their features, in arrays that are allocated once.

Between the large temporary arrays of each block of users, many smaller arrays that stay would
fragment the memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.teacher.learned.candidates import Candidates


class CandidateStore:
    """The candidates of all users.

    Args:
        n_users: number of users.
        depth: candidates per user.
        n_features: features per candidate.
    """

    def __init__(self, n_users: int, depth: int, n_features: int) -> None:
        self._items = np.empty((n_users, depth), np.int32)
        self._counts = np.empty(n_users, np.int64)
        self._features = np.empty((n_users, depth, n_features), np.float32)
        self._blocks: list[NDArray[np.int64]] = []

    @staticmethod
    def size(n_users: int, depth: int, n_features: int) -> int:
        """Return the size of the arrays in bytes."""
        return 4 * n_users * depth * (n_features + 1)

    def add(self, block: Candidates) -> None:
        """Copy a block of users."""
        self._items[block.users] = block.items
        self._counts[block.users] = block.counts
        self._features[block.users] = block.features
        self._blocks.append(block.users)

    def __iter__(self) -> Iterator[Candidates]:
        """Yield the blocks in the order in which they were added."""
        for users in self._blocks:
            rows = slice(int(users[0]), int(users[-1]) + 1)
            yield Candidates(users, self._items[rows], self._counts[rows], self._features[rows])


class RowBuffer:
    """Rows of features with their hits.

    Args:
        capacity: maximum number of rows.
        n_features: features per row.
    """

    def __init__(self, capacity: int, n_features: int) -> None:
        # The system provides the memory of a page on its first use.
        self._features = np.empty((capacity, n_features), np.float32)
        self._hits = np.empty(capacity, bool)
        self._used = 0

    def add(self, features: NDArray[np.float32], hits: NDArray[np.bool_]) -> None:
        """Append rows; those beyond the capacity are ignored.

        Args:
            features: float32 (n, f).
            hits: bool (n,).
        """
        end = min(self._used + len(hits), len(self._hits))
        count = end - self._used
        self._features[self._used : end] = features[:count]
        self._hits[self._used : end] = hits[:count]
        self._used = end

    @property
    def features(self) -> NDArray[np.float32]:
        """The rows, float32 (n, f)."""
        return self._features[: self._used]

    @property
    def hits(self) -> NDArray[np.bool_]:
        """The hits, bool (n,)."""
        return self._hits[: self._used]
