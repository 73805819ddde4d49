"""Codes of users that were not in the training data, made from their items, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.fold_in.item_sets import check_rows, newest_first
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.recency import age_weights
from bitrecall.index.releases.release import Release
from bitrecall.index.search.packing import pack_signs

# Weight of the learned map: SHARE / (n + SHARE - 1) for n items; chosen on validation
# (docs/tuning.md).
SHARE = 3.0


class UserFoldIn:
    """Makes the codes of new users from their items, the history.

    LightGCN's embedding of a user with history I is, up to its own free embedding, proportional to
    the sum over I of the items' fold-in messages M_i = (sum over k < K of e_i^(k)) / sqrt(deg(i)).
    For a short history, that sum describes those items well and all others badly. The trained
    embeddings of the item's users predict more, through the map W that is learned from them
    (``bitrecall.index.releases.fold_in_map``). Its weight a falls with the number of items:

        sgn( ē + (1 - a) x + a x W ),   x = Σ_{i∈I} M_i / |I| - c,   a = share / (|I| + share - 1)

    with ē the mean user and c the mean message of users' items. Sums are in float64, exact for
    float16 messages, over the distinct rows in increasing order, so that the order and repetition
    of rows do not matter.

    With a decay τ, the history has an order. Each item then has the weight exp(-age/τ), with its
    age the number of later items: x is the weighted mean of the messages, and the sum of the
    weights takes the place of |I|.

    Args:
        messages: float (n, f), M_i of the items.
        learned: ē, c and W.
        share: how slowly the weight of W falls.
        decay: τ, in items; None weights all items alike.

    Raises:
        SearchError: no items, or a map of another width.
    """

    def __init__(
        self,
        messages: NDArray[np.floating[Any]],
        learned: FoldInMap,
        share: float = SHARE,
        decay: float | None = None,
    ) -> None:
        if not messages.size:
            raise SearchError("users cannot be folded in without items")
        if learned.matrix.shape != (messages.shape[1],) * 2:
            raise SearchError(
                f"messages have {messages.shape[1]} values, and the map has {len(learned.matrix)}"
            )
        self._messages = messages
        self._centre, self._user, self._matrix = (
            array.astype(np.float64) for array in (learned.centre, learned.user, learned.matrix)
        )
        self._share = share
        self._weights = None if decay is None else age_weights(decay)

    @classmethod
    def of(cls, release: Release) -> Self:
        """Build from a release."""
        decay = None if release.recency is None else release.recency.history_decay
        return cls(release.fold_in_messages, release.fold_in_map, decay=decay)

    def codes(self, histories: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.uint8]:
        """Return one code, uint8 (b, f/8), for each history of item rows.

        Args:
            histories: rows of items. With a decay, the newest is last, and the last of several
                occurrences counts; otherwise order and repetition do not matter.

        Raises:
            SearchError: a history is empty, or has a row that does not exist.
        """
        if self._weights is None:
            sums = sum_rows(self._messages, histories, "history")
            counts = np.array([len(np.unique(history)) for history in histories], np.float64)
        else:
            sums, counts = self._weighted_sums(histories, self._weights)
        counts = counts[:, None]
        means = sums / counts - self._centre
        weight = self._share / (counts + self._share - 1)
        return pack_signs(self._user + (1 - weight) * means + weight * (means @ self._matrix))

    def _weighted_sums(
        self, histories: Sequence[NDArray[np.integer[Any]]], weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weighted sums of messages, (b, f), and the sums of the weights, (b,)."""
        sums = np.empty((len(histories), self._messages.shape[1]))
        counts = np.empty(len(histories))
        for number, history in enumerate(histories):
            check_rows(np.asarray(history), len(self._messages), f"history {number}")
            items = newest_first(np.asarray(history))[: len(weights)]
            counts[number] = weights[: len(items)].sum()
            sums[number] = weights[: len(items)] @ self._messages[items].astype(np.float64)
        return sums, counts


def sum_rows(
    values: NDArray[np.floating[Any]],
    row_sets: Sequence[NDArray[np.integer[Any]]],
    name: str,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the sum of the rows of ``values`` for each set of row numbers: float64 (b, f).

    Args:
        values: float (n, f).
        row_sets: sets of row numbers; repetitions count once.
        name: name of a set, for error messages.
        weights: (n,), factors of the rows; None for equal weights.

    Raises:
        SearchError: a set is empty, or has a row that does not exist.
    """
    sums = np.empty((len(row_sets), values.shape[1]), np.float64)
    for number, row_set in enumerate(row_sets):
        rows = np.unique(np.asarray(row_set))
        check_rows(rows, len(values), f"{name} {number}")
        if weights is None:
            sums[number] = values[rows].sum(axis=0, dtype=np.float64)
        else:
            sums[number] = weights[rows] @ values[rows].astype(np.float64)
    return sums
