"""How far new pairs are from the item popularity of the parent release."""

from __future__ import annotations

import numpy as np

from bitrecall.index.releases.release import Release
from bitrecall.training.retraining.retraining_data import RetrainingData

__all__ = ["popularity_drift"]

# If all items are about equally popular, drift is not defined.
_MIN_SPREAD = 0.05


def popularity_drift(parent: Release, data: RetrainingData) -> float:
    """Return how far the new pairs are from the parent's item popularity.

    An item's place is the share of the parent's pairs that belong to more popular items, plus half
    of its own share. New pairs that follow popularity have a mean place of 1/2, which gives 0. The
    mean place of all items gives 1. A negative number means that popular items gained, a number
    above 1 that rare items did. New items have no place. Returns 0 if all items are about equally
    popular.
    """
    popularity = np.asarray(parent.popularity, np.float64)
    total = max(popularity.sum(), 1.0)
    places = (np.cumsum(popularity) - popularity / 2) / total
    spread = places.mean() - 0.5
    fresh = data.pairs.select(data.judged)
    rows = [parent.items.row_of(text) for text in fresh.item_ids]
    degrees = fresh.item_degrees
    known = [(row, degrees[item]) for item, row in enumerate(rows) if row is not None]
    weight = sum(int(count) for _, count in known)
    if not weight or spread < _MIN_SPREAD:
        return 0.0
    mean = sum(places[row] * count for row, count in known) / weight
    return float((mean - 0.5) / spread)
