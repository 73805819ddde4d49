"""Selects the index of a release, and tunes its search effort to a recall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.protocol import StoredBackend
from bitrecall.index.search.registry import backend
from bitrecall.index.search.tuning import NEAREST, recall_by_distance, smallest_effort

AUTOMATIC: Final = "auto"

# From this many items on, IVF replaces the exact scan; measured in docs/performance.md.
_MIN_IVF_ITEMS: Final = 200_000

# Queries when a release is opened (fewer than for tuning), and the tolerance for sampling them.
VERIFIED_WITH: Final = 50
_TOLERANCE: Final = 0.05


@dataclass(frozen=True)
class SelectedIndex:
    """A selected index.

    Attributes:
        name: name of the backend.
        built: the index.
        recall: share of the true nearest 100 that the index returns; None if it is exact.
    """

    name: str
    built: StoredBackend
    recall: float | None


def build_index(
    name: str,
    parameters: Mapping[str, int],
    codes: NDArray[np.uint8],
    queries: NDArray[np.uint8],
    recall: float,
) -> SelectedIndex:
    """Build the index of a release.

    Args:
        name: name of a backend, or "auto": the exact scan for up to 200,000 items, IVF for more.
        parameters: of the backend. Without the search effort, the smallest effort is chosen that
            reaches ``recall``.
        codes: item codes, uint8 (n, bits/8).
        queries: codes of users to tune on, uint8 (b, bits/8).
        recall: share of the true nearest 100 to reach.

    Raises:
        SearchError: unknown backend or parameters.
    """
    if name == AUTOMATIC:
        name = "flat" if len(codes) < _MIN_IVF_ITEMS else "ivf"
    kind = backend(name)
    built = kind.build(codes, **parameters)
    if kind.effort is None:
        return SelectedIndex(name, built, None)
    exact = FlatBackend.build(codes).search(queries, NEAREST)[0]

    def recall_of(index: StoredBackend) -> float:
        return recall_by_distance(index.search(queries, NEAREST)[0], exact)

    if kind.effort not in parameters:
        effort = smallest_effort(
            lambda effort: recall_of(built.with_effort(effort, fill=False)) >= recall,
            built.max_effort,
        )
        built = built.with_effort(effort)
    return SelectedIndex(name, built, recall_of(built))


def shortfall(
    built: StoredBackend, codes: NDArray[np.uint8], queries: NDArray[np.uint8], recall: float
) -> str | None:
    """Return how an index falls short of the recall in its manifest, or None if it does not."""
    exact = FlatBackend.build(codes).search(queries, NEAREST)[0]
    measured = recall_by_distance(built.search(queries, NEAREST)[0], exact)
    if measured >= recall - _TOLERANCE:
        return None
    return f"has a recall of {measured:.3f}, below the {recall:.3f} in the manifest"
