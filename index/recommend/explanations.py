"""Why an item was recommended: which of the user's own items its code agrees with most."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.recommend.types import Reason
from bitrecall.index.search.packing import hamming_distances

# Of a longer history the newest items are compared; so many reasons are given at most.
NEWEST: Final = 1000
MOST: Final = 3
# Codes are compared in blocks of so many items, which keeps the scratch memory small.
_BLOCK: Final = 64


def reasons(
    catalogue: Catalogue, items: NDArray[np.int64], history: NDArray[np.int64]
) -> Sequence[Sequence[Reason]]:
    """For each item at ``items``, up to ``MOST`` of those at ``history`` with the nearest codes.

    Nearest first, ties to the more popular. An item is no reason for itself. Nobody's items give
    no reasons.
    """
    own = history[-NEWEST:]
    own = np.sort(own)
    ids = catalogue.ids_of(own)
    codes = catalogue.codes_of(own)
    found: list[Sequence[Reason]] = []
    for start in range(0, len(items), _BLOCK):
        block = items[start : start + _BLOCK]
        distances = hamming_distances(catalogue.codes_of(block), codes)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, : MOST + 1]
        for item, row, order in zip(block, distances, nearest, strict=True):
            others = [place for place in order.tolist() if own[place] != item][:MOST]
            found.append([Reason(ids[place], int(row[place])) for place in others])
    return found
