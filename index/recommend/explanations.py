"""Why an item was recommended: the user's own items whose codes are nearest to its code."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

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
    catalogue: Catalogue, items: NDArray[np.int64], history: NDArray[np.int64]
) -> Sequence[Sequence[Explanation]]:
    """Explain recommended items by the nearest items of a user's history.

    Args:
        catalogue: the items.
        items: int64 (b,), rows of the recommended items.
        history: int64 (h,), rows of the user's items, the newest last.

    Returns:
        For each item up to ``MAX_EXPLANATIONS`` items of the history, the nearest first, equal
        distances by popularity. An item does not explain itself.
    """
    history = np.sort(history[-MAX_HISTORY:])
    ids = catalogue.ids_of(history)
    codes = catalogue.codes_of(history)
    explanations: list[Sequence[Explanation]] = []
    for start in range(0, len(items), _BLOCK):
        block = items[start : start + _BLOCK]
        distances = hamming_distances(catalogue.codes_of(block), codes)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, : MAX_EXPLANATIONS + 1]
        for item, row, order in zip(block, distances, nearest, strict=True):
            others = [place for place in order.tolist() if history[place] != item]
            explanations.append(
                [Explanation(ids[place], int(row[place])) for place in others[:MAX_EXPLANATIONS]]
            )
    return explanations
