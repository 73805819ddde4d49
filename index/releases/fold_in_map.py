"""The linear map of the user fold-in, learned when a release is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.row_lists import RowLists

# Chosen on validation, with bitrecall.index.fold_in.users.SHARE (docs/tuning.md).
RIDGE = 0.03

# Number of users from which the map is learned, spread evenly over all, and users read at once.
_USERS = 32_768
_AT_ONCE = 1024


@dataclass(frozen=True, eq=False)
class FoldInMap:
    """Maps the fold-in message of an item to the embedding of a user who has it.

    With M_i the messages, e_u the embeddings and I_u the items of user u, c the mean over users of
    the mean message of their items, ē the mean user, and s the mean magnitude of e_u - ē over that
    of the users' mean messages less c, the matrix W is the ridge regression

        argmin_W  mean over u, i in I_u of |(M_i - c) W - (e_u - ē)/s|²  +  λ |W - 1|²

    with λ a share of the variance of a message. W is pulled towards the identity, since the sum of
    the messages of *all* items is mostly the embedding itself (LightGCN, equation 7).

    Attributes:
        centre: float32 (f,), c.
        user: float32 (f,), ē/s, the mean user in the magnitude of messages.
        matrix: float32 (f, f), W.
    """

    centre: NDArray[np.float32]
    user: NDArray[np.float32]
    matrix: NDArray[np.float32]

    @classmethod
    def fit(
        cls,
        messages: NDArray[np.floating[Any]],
        embeddings: NDArray[np.floating[Any]],
        seen: RowLists,
        ridge: float = RIDGE,
    ) -> Self:
        """Learn from users and their items.

        Args:
            messages: float (n, f), messages of the items.
            embeddings: float (m, f), embeddings of the users, rows of equal magnitude.
            seen: the items of each user.
            ridge: λ, relative to the variance of a value of a message.
        """
        users = np.flatnonzero(seen.lengths)
        if len(users) > _USERS:
            users = users[np.linspace(0, len(users) - 1, _USERS).astype(np.int64)]
        bits = messages.shape[1]
        if not len(users):
            zeros = np.zeros(bits, np.float32)
            return cls(zeros, zeros, np.eye(bits, dtype=np.float32))
        means, weights = _means(messages, users, seen)
        targets = embeddings[users].astype(np.float64)
        centre, user = means.mean(axis=0), targets.mean(axis=0)
        means -= centre
        targets -= user
        gram = _gram(messages, weights)
        variance = gram - np.outer(centre, centre)
        sizes = np.abs(targets).mean(), np.abs(means).mean()
        # If all messages or all users are alike, only rounding errors remain.
        are_alike = sizes[1] <= 1e-9 * np.sqrt(np.trace(gram) / bits)
        size = 1.0 if are_alike or not sizes[0] else sizes[0] / sizes[1]
        minimum = max(1e-9 * np.trace(gram), np.finfo(np.float32).tiny)
        pull = max(ridge * np.trace(variance), minimum) / bits
        penalty = pull * np.eye(bits)
        covariance = means.T @ (targets / size) / len(users)
        matrix = np.linalg.solve(variance + penalty, covariance + penalty)
        return cls(*(array.astype(np.float32) for array in (centre, user / size, matrix)))


def _means(
    messages: NDArray[np.floating[Any]], users: NDArray[np.int64], seen: RowLists
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean message of each user's items, (b, f), and the items' weights, (n,)."""
    means = np.empty((len(users), messages.shape[1]))
    weights = np.zeros(len(messages))
    for start in range(0, len(users), _AT_ONCE):
        lists = [seen[user] for user in users[start : start + _AT_ONCE].tolist()]
        lengths = np.array([len(rows) for rows in lists])
        rows = np.concatenate(lists)
        begins = np.cumsum(lengths) - lengths
        sums = np.add.reduceat(messages[rows].astype(np.float64), begins, axis=0)
        means[start : start + _AT_ONCE] = sums / lengths[:, None]
        np.add.at(weights, rows, np.repeat(1 / lengths, lengths) / len(users))
    return means, weights


def _gram(messages: NDArray[np.floating[Any]], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum over i of weight_i M_i M_iᵀ, (f, f)."""
    gram = np.zeros((messages.shape[1],) * 2)
    rows = np.flatnonzero(weights)
    for start in range(0, len(rows), 16 * _AT_ONCE):
        part = rows[start : start + 16 * _AT_ONCE]
        block = messages[part].astype(np.float64)
        gram += block.T @ (block * weights[part, None])
    return gram
