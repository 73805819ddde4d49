"""How much effort an approximate search needs to find what an exact one does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.search.packing import pack_signs

# Queries that a search is tuned on, and how many items each is to find.
QUERIES: Final = 500
NEAREST: Final = 100


def recall_by_distance(found: NDArray[np.int32], exact: NDArray[np.int32]) -> float:
    """Return the share of the nearest that was found.

    Both are distances, int32 (b, k), as a search returns them, `exact` those of an exact one. An
    item that is as near as the last of the true ones counts, whichever of the ties it is.
    """
    wanted = exact >= 0
    if not wanted.any():
        return 1.0
    furthest = np.where(wanted, exact, -1).max(axis=1, keepdims=True)
    right = (found >= 0) & (found <= furthest)
    return float(right.sum() / wanted.sum())


def least_effort(reached: Callable[[int], bool], most: int) -> int:
    """Return the smallest effort of 1 … `most` that is enough; `most` where none is.

    More effort must never find less. Doubles until it is enough, and then halves the gap: asks
    some 2·log2(effort) times.
    """
    if most < 1:
        raise SearchError(f"there is no effort from 1 to {most}")
    low, high = 0, 1
    while high < most and not reached(high):
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle
    return high


def sample_queries(embeddings: NDArray[np.floating], count: int = QUERIES) -> NDArray[np.uint8]:
    """Return the codes, uint8 (b, f/8), of at most `count` users, the same ones every time.

    `embeddings` is float (m, f), of all users.
    """
    rows = np.random.default_rng(0).permutation(len(embeddings))[:count]
    return pack_signs(np.asarray(embeddings[np.sort(rows)]))
