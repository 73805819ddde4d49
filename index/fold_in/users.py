"""Codes of users that were not in the training data, made from their items, without torch."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.releases.fold_in_map import FoldInMap
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

    Args:
        messages: float (n, f), M_i of the items.
        learned: ē, c and W.
        share: how slowly the weight of W falls.

    Raises:
        SearchError: no items, or a map of another width.
    """

    def __init__(
        self, messages: NDArray[np.floating[Any]], learned: FoldInMap, share: float = SHARE
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

    @classmethod
    def of(cls, release: Release) -> Self:
        """Build from a release."""
        return cls(release.fold_in_messages, release.fold_in_map)

    def codes(self, histories: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.uint8]:
        """Return one code, uint8 (b, f/8), for each history of item rows.

        Raises:
            SearchError: a history is empty, or has a row that does not exist.
        """
        sums = sum_rows(self._messages, histories, "history")
        counts = np.array([len(np.unique(history)) for history in histories], np.float64)[:, None]
        means = sums / counts - self._centre
        weight = self._share / (counts + self._share - 1)
        return pack_signs(self._user + (1 - weight) * means + weight * (means @ self._matrix))


def extended_codes(
    release: Release,
    users: NDArray[np.integer[Any]],
    additions: Sequence[NDArray[np.integer[Any]]],
    magnitudes: MutableMapping[int, float] | None = None,
) -> NDArray[np.uint8]:
    """Return one code, uint8 (b, bits/8), for each user of the release with additional items.

    The trained embedding is scaled to the magnitude of the sum of messages of the user's training
    items. Then the messages of the additional items are added: each weighs as much as a training
    item. Training items are not added again.

    Args:
        release: the release of the users and items.
        users: rows of users, (b,).
        additions: for each user the rows of additional items.
        magnitudes: a cache of these magnitudes by user row.

    Raises:
        SearchError: a user or an item does not exist.
    """
    users = np.asarray(users)
    codes = release.user_codes(users)
    for number, (user, rows) in enumerate(zip(users.tolist(), additions, strict=True)):
        seen = release.seen[user]
        unseen = np.unique(rows)
        if seen.size:
            places = np.searchsorted(seen, unseen).clip(max=len(seen) - 1)
            unseen = unseen[seen[places] != unseen]
        if not unseen.size:
            continue
        added = sum_rows(release.fold_in_messages, [unseen], "additions")
        trained = release.user_embeddings[user].astype(np.float64)
        magnitude = np.abs(trained).mean()
        if seen.size and magnitude:
            summed_magnitude = None if magnitudes is None else magnitudes.get(user)
            if summed_magnitude is None:
                total = sum_rows(release.fold_in_messages, [seen], "seen items")
                summed_magnitude = float(np.abs(total).mean())
                if magnitudes is not None:
                    magnitudes[user] = summed_magnitude
            trained *= summed_magnitude / magnitude
        codes[number] = pack_signs(trained + added)[0]
    return codes


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
        if rows.size == 0:
            raise SearchError(f"{name} {number} is empty: no code can be made from it")
        if rows.dtype.kind not in "iu" or rows[0] < 0 or rows[-1] >= len(values):
            raise SearchError(f"{name} {number} has a row outside 0 … {len(values) - 1}")
        if weights is None:
            sums[number] = values[rows].sum(axis=0, dtype=np.float64)
        else:
            sums[number] = weights[rows] @ values[rows].astype(np.float64)
    return sums
