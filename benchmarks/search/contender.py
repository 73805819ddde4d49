"""A contender of the search benchmark, and the data that all contenders are built from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bitrecall.index.search.packing import unpack_signs

DIMENSIONS = 64

# Maps queries (b, …) and k to distances (b, k); smaller is nearer.
Search = Callable[[np.ndarray, int], np.ndarray]


@dataclass
class Contender:
    """A built index.

    Attributes:
        name: Name in the table.
        search: Searches the index.
        queries: Input of ``search``, one row per user.
        exact: Name of the contender with the true distances.
        build_seconds: Time to build the index.
        bytes_per_item: Size of all stored data, divided by the number of items.
        settings: Parameters of the index.
    """

    name: str
    search: Search
    queries: np.ndarray
    exact: str
    build_seconds: float
    bytes_per_item: float
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchData:
    """Items and queries: codes, and float vectors if a contender needs them."""

    items: np.ndarray
    users: np.ndarray
    item_vectors: Any
    user_vectors: Any


def search_data(items: np.ndarray, users: np.ndarray, *, vectors: bool) -> SearchData:
    """Return the codes, and with ``vectors`` their principal components.

    Args:
        items: Codes of the items, uint8 (n, w).
        users: Codes of the users, uint8 (m, w).
        vectors: Whether to compute the float vectors, float32 (n, 64) and (m, 64).
    """
    if not vectors:
        return SearchData(items, users, None, None)
    rng = np.random.default_rng(0)
    sample = unpack_signs(items[rng.choice(len(items), min(len(items), 20_000), replace=False)])
    centred = sample - sample.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    projection = directions[:, -DIMENSIONS:].astype(np.float32)

    def project(codes: np.ndarray) -> np.ndarray:
        parts = np.array_split(codes, max(1, len(codes) // 100_000))
        return np.concatenate(
            [unpack_signs(part).astype(np.float32) @ projection for part in parts]
        )

    return SearchData(items, users, project(items), project(users))
