"""Why an item was recommended: the user's own items that count most for it.

These are the items whose codes are nearest to its code. If newer items count more for the user's
code, the score of an item's code is multiplied by the weight of the item.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.item_weights import ItemWeights
from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.recommend.types import Explanation
from bitrecall.index.search.packing import hamming_distances

MAX_HISTORY: Final = 1000
"""Maximum number of items of a history that are compared: the newest."""

MAX_EXPLANATIONS: Final = 3
"""Maximum number of explanations per recommended item."""

# Recommended items compared at once, to limit the working memory.
_BLOCK: Final = 64


def explain(
    catalogue: Catalogue,
    items: NDArray[np.int64],
    history: NDArray[np.int64],
    weighted: ItemWeights | None = None,
) -> Sequence[Sequence[Explanation]]:
    """Explain recommended items by the nearest items of a user's history.

    Args:
        catalogue: the items.
        items: int64 (b,), rows of the recommended items.
        history: int64 (h,), rows of the user's items, the newest last.
        weighted: the items that count for the user's code, and their weights; then these are the
            history. None if all count alike.

    Returns:
        For each item up to ``MAX_EXPLANATIONS`` items of the history: the nearest first, or those
        with the largest product of score and weight; equal ones by popularity. An item does not
        explain itself.
    """
    history = np.sort(history[-MAX_HISTORY:])
    weights = None
    if weighted is not None:
        history, weights = _heaviest(*weighted)
    ids = catalogue.ids_of(history)
    codes = catalogue.codes_of(history)
    explanations: list[Sequence[Explanation]] = []
    for start in range(0, len(items), _BLOCK):
        block = items[start : start + _BLOCK]
        distances = hamming_distances(catalogue.codes_of(block), codes)
        if weights is None:
            costs: NDArray[np.number] = distances
        else:
            costs = -weights * (catalogue.release.bits - 2 * distances)
        nearest = np.argsort(costs, axis=1, kind="stable")[:, : MAX_EXPLANATIONS + 1]
        for item, row, order in zip(block, distances, nearest, strict=True):
            others = [place for place in order.tolist() if history[place] != item]
            explanations.append(
                [
                    Explanation(
                        ids[place],
                        int(row[place]),
                        None if weights is None else round(float(weights[place]), 3),
                    )
                    for place in others[:MAX_EXPLANATIONS]
                ]
            )
    return explanations


def _heaviest(
    rows: NDArray[np.int64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the ``MAX_HISTORY`` rows with the largest weights, in increasing order."""
    kept = np.sort(np.argsort(-weights, kind="stable")[:MAX_HISTORY])
    return rows[kept], weights[kept]
