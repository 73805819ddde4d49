"""Codes for users that training has not seen, from their histories and without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.errors import SearchError
from index.packing import pack_signs
from index.release import Release


def fold_in_codes(
    release: Release, histories: Sequence[NDArray[np.integer[Any]]]
) -> NDArray[np.uint8]:
    """Return one code, uint8 (b, bits/8), for each history of item rows.

    LightGCN's embedding of a user with history I is, up to its own free embedding, proportional to
    the sum over I of the items' fold-in messages M_i = (sum over k < K of e_i^(k)) / sqrt(deg(i));
    the code is the sign of that sum. Neither order nor repetition in a history counts: the sum is
    in float64, exact for messages in float16, over the distinct rows in increasing order.

    Raises SearchError on a history that is empty (nothing is known of such a user) or has a row
    that does not exist.
    """
    messages = release.fold_in_messages
    sums = np.empty((len(histories), release.bits), np.float64)
    for number, history in enumerate(histories):
        rows = np.unique(np.asarray(history))
        if rows.size == 0:
            raise SearchError(f"history {number} is empty: no code can be made of it")
        if rows.dtype.kind not in "iu" or rows[0] < 0 or rows[-1] >= release.n_items:
            raise SearchError(f"history {number} has a row outside 0 … {release.n_items - 1}")
        sums[number] = messages[rows].sum(axis=0, dtype=np.float64)
    return pack_signs(sums)
