"""The order of the rows of a retraining run: the parent's pairs, then new pairs of files, events.

The order of one source says nothing about that of another, so their rows are not mixed by time: the
parent was trained on everything before, and events come in the order in which they were stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.release import Release
from bitrecall.training.data.interactions import Interactions


def has_order(parent: Release | None, files: Interactions | None) -> bool:
    """Return whether the order of the oldest pairs is known: the parent's, or that of the files."""
    if parent is not None:
        return parent.seen_ages is not None
    return files is None or files.order is not None


def row_order(
    parent_ages: NDArray[np.integer[Any]] | None,
    file_order: NDArray[np.float64] | None,
    in_parent: NDArray[np.bool_],
    n_events: int,
) -> NDArray[np.float64]:
    """Return numbers that are larger for later rows of a user: parent, files, events.

    Args:
        parent_ages: (p,), for each pair of the parent the number of the user's later ones; None if
            there are no such pairs.
        file_order: (r,), larger for later rows of the files; None if their order is unknown, which
            makes their new pairs equally old.
        in_parent: bool (r,), rows of the files with a pair of the parent. They do not count as
            later than the parent's pair.
        n_events: number of events.
    """
    before = np.zeros(0) if parent_ages is None else -1.0 - parent_ages
    if file_order is None:
        ranks = np.zeros(len(in_parent))
    else:
        ranks = np.unique(file_order, return_inverse=True)[1].astype(np.float64)
    files = np.where(in_parent, -np.inf, ranks)
    events = len(in_parent) + np.arange(n_events, dtype=np.float64)
    return np.concatenate([before, files, events])
