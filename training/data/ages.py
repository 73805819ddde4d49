"""Ages of pairs: how many later pairs the same user has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ages_by_user", "orders_most_users"]


def ages_by_user(
    users: NDArray[np.integer[Any]], order: NDArray[np.number[Any]]
) -> NDArray[np.int32]:
    """Return for each pair the number of the user's strictly later pairs, int32 (nnz,).

    Pairs of equal order have equal ages: a date that all pairs of a user share says nothing about
    which of them came last, and neither does the order of rows in a file.

    Args:
        users: (nnz,) user rows.
        order: (nnz,), larger for later pairs of the same user.
    """
    by_user = np.lexsort((order, users))
    sorted_users, sorted_order = users[by_user], order[by_user]
    ends = np.cumsum(np.bincount(users))[sorted_users]
    is_last = np.ones(len(users), np.bool_)
    is_last[:-1] = (sorted_users[1:] != sorted_users[:-1]) | (sorted_order[1:] != sorted_order[:-1])
    last_of_ties = np.flatnonzero(is_last)
    group: NDArray[np.int64] = np.cumsum(is_last) - is_last
    ages = np.empty(len(users), np.int32)
    ages[by_user] = ends - 1 - last_of_ties[group]
    return ages


def orders_most_users(users: NDArray[np.integer[Any]], order: NDArray[np.number[Any]]) -> bool:
    """Return whether at least half of the users with several pairs have two of different order.

    Args:
        users: (nnz,) user rows, ascending.
        order: (nnz,), larger for later pairs of the same user.
    """
    same_user = users[1:] == users[:-1]
    differs = same_user & (order[1:] != order[:-1])
    several = len(np.unique(users[1:][same_user]))
    ordered = len(np.unique(users[1:][differs]))
    return ordered > 0 and several <= 2 * ordered
