"""Which index a release gets, and how hard it has to search to find what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.protocol import StoredBackend
from bitrecall.index.search.registry import backend
from bitrecall.index.search.tuning import NEAREST, least_effort, recall_by_distance

AUTOMATIC: Final = "auto"

# Items from which on lists are searched and not all codes: docs/performance.md has the measurement.
_WORTH_LISTS: Final = 200_000

# Queries that opening a release asks, fewer than it was tuned on, and the luck of their draw.
VERIFIED_WITH: Final = 50
_TOLERANCE: Final = 0.05


@dataclass(frozen=True)
class Chosen:
    """An index and its name; `recall` is the share that it finds of the true nearest hundred.

    None where it finds all, being exact.
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
) -> Chosen:
    """Build the index of a release.

    `name` is a backend's, or "auto": a scan as long as that is the fastest, and then lists. Where
    the parameters do not say how hard it is to search, it is as hard as finding the share `recall`
    of the nearest hundred takes, for `queries`, codes of users. Raises SearchError.
    """
    if name == AUTOMATIC:
        name = "flat" if len(codes) < _WORTH_LISTS else "ivf"
    kind = backend(name)
    built = kind.build(codes, **parameters)
    if kind.effort is None:
        return Chosen(name, built, None)
    exact = FlatBackend.build(codes).search(queries, NEAREST)[0]

    def found(tried: StoredBackend) -> float:
        return recall_by_distance(tried.search(queries, NEAREST)[0], exact)

    if kind.effort not in parameters:
        effort = least_effort(
            lambda tried: found(built.with_effort(tried, fill=False)) >= recall,
            built.most_effort,
        )
        built = built.with_effort(effort)
    return Chosen(name, built, found(built))


def shortfall(
    built: StoredBackend, codes: NDArray[np.uint8], queries: NDArray[np.uint8], recall: float
) -> str | None:
    """Say what is wrong where an index finds clearly less than its manifest says; else None."""
    exact = FlatBackend.build(codes).search(queries, NEAREST)[0]
    found = recall_by_distance(built.search(queries, NEAREST)[0], exact)
    if found >= recall - _TOLERANCE:
        return None
    return f"finds {found:.3f} of the nearest, and the manifest says {recall:.3f}"
