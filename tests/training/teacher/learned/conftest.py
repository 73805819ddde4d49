"""Interactions of random users, with and without order."""

from __future__ import annotations

import numpy as np
import pytest

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.model.graph import EdgeList


def interactions(matrix: np.ndarray, *, ordered: bool = True, seed: int = 0) -> Interactions:
    """The pairs of a boolean matrix, at random times."""
    users, items = np.nonzero(matrix)
    times = np.random.default_rng(seed).permutation(len(users)).astype(np.float64)
    return Interactions(
        [f"user-{row}" for row in range(matrix.shape[0])],
        [f"item-{row}" for row in range(matrix.shape[1])],
        users.astype(np.int32),
        items.astype(np.int32),
        times if ordered else None,
    )


def grouped_matrix(
    n_users: int = 300, n_items: int = 60, groups: int = 4, seed: int = 0
) -> np.ndarray:
    """Users of a group mostly take the items of the group."""
    rng = np.random.default_rng(seed)
    same = (np.arange(n_users) % groups)[:, None] == np.arange(n_items) % groups
    return rng.random((n_users, n_items)) < np.where(same, 0.5, 0.03)


@pytest.fixture
def matrix() -> np.ndarray:
    return np.random.default_rng(1).random((40, 25)) < 0.25


@pytest.fixture
def edges(matrix: np.ndarray) -> EdgeList:
    return EdgeList.of(interactions(matrix))
