"""Tunes the effort of an approximate search to a recall."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.search.packing import pack_signs

# Queries to tune on, and nearest items per query.
QUERIES: Final = 500
NEAREST: Final = 100


def recall_by_distance(approximate: NDArray[np.int32], exact: NDArray[np.int32]) -> float:
    """Return the recall of an approximate search.

    An item counts if it is at least as near as the last of the true nearest: any of the ties is
    right.

    Args:
        approximate: distances of the approximate search, int32 (b, k), padded with -1.
        exact: distances of an exact search, in the same form.
    """
    valid = exact >= 0
    if not valid.any():
        return 1.0
    furthest = np.where(valid, exact, -1).max(axis=1, keepdims=True)
    hits = (approximate >= 0) & (approximate <= furthest)
    return float(hits.sum() / valid.sum())


def smallest_effort(is_sufficient: Callable[[int], bool], limit: int) -> int:
    """Return the smallest sufficient effort from 1 to ``limit``; ``limit`` if none is sufficient.

    Doubles the effort until it is sufficient, then bisects: about 2·log2(effort) calls.

    Args:
        is_sufficient: whether an effort is sufficient; more effort must never be worse.
        limit: the largest effort.
    """
    if limit < 1:
        raise SearchError(f"the limit of the effort must be at least 1, not {limit}")
    low, high = 0, 1
    while high < limit and not is_sufficient(high):
        low, high = high, min(2 * high, limit)
    while high - low > 1:
        middle = (low + high) // 2
        if is_sufficient(middle):
            high = middle
        else:
            low = middle
    return high


def sample_queries(embeddings: NDArray[np.floating], count: int = QUERIES) -> NDArray[np.uint8]:
    """Return the codes, uint8 (b, f/8), of up to ``count`` users, the same ones every time.

    Args:
        embeddings: float (m, f), of all users.
        count: how many users.
    """
    rows = np.random.default_rng(0).permutation(len(embeddings))[:count]
    return pack_signs(np.asarray(embeddings[np.sort(rows)]))
