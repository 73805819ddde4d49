"""Codes for users that training has not seen, from the items they have and without torch."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.release import Release
from bitrecall.index.search.packing import pack_signs

# With one item the map has the whole say, with one more than this many half of it; chosen on
# validation (docs/tuning.md).
SHARE = 3.0


class UserFoldIn:
    """Makes codes for new users out of the items they have, their history.

    LightGCN's embedding of a user with history I is, up to its own free embedding, proportional to
    the sum over I of the items' fold-in messages M_i = (sum over k < K of e_i^(k)) / sqrt(deg(i)).
    That of a few items says much of those and little of all others. What training made of users who
    have an item tells more, W in ``bitrecall.index.releases.fold_in_map``. The more items there
    are, the less it adds:

        sgn( ē + (1 - a) x + a x W ),   x = Σ_{i∈I} M_i / |I| - c,   a = share / (|I| + share - 1)

    with ē the mean user and c the centre of what users have. The sums are in float64, exact for
    messages in float16, over the distinct rows in increasing order: neither order nor repetition in
    a history counts.

    Args:
        messages: float (n, f), M_i of each item.
        learned: ē, c and W.
        share: how slowly the say of W falls.

    Raises SearchError where there are no items, or a map of another width.
    """

    def __init__(
        self, messages: NDArray[np.floating[Any]], learned: FoldInMap, share: float = SHARE
    ) -> None:
        if not messages.size:
            raise SearchError("users cannot be folded in without items to go by")
        if learned.matrix.shape != (messages.shape[1],) * 2:
            raise SearchError(
                f"messages have {messages.shape[1]} values and the map {len(learned.matrix)}"
            )
        self._messages = messages
        self._centre, self._user, self._matrix = (
            array.astype(np.float64) for array in (learned.centre, learned.user, learned.matrix)
        )
        self._share = share

    @classmethod
    def of(cls, release: Release) -> Self:
        """Fold into a release, by what it holds."""
        return cls(release.fold_in_messages, release.fold_in_map)

    def codes(self, histories: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.uint8]:
        """Return one code, uint8 (b, f/8), for each history of item rows.

        Raises SearchError on a history that is empty (nothing is known of such a user) or has a row
        that does not exist.
        """
        sums = sum_rows(self._messages, histories, "history")
        counts = np.array([len(np.unique(history)) for history in histories], np.float64)[:, None]
        means = sums / counts - self._centre
        say = self._share / (counts + self._share - 1)
        return pack_signs(self._user + (1 - say) * means + say * (means @ self._matrix))


def extended_codes(
    release: Release,
    users: NDArray[np.integer[Any]],
    additions: Sequence[NDArray[np.integer[Any]]],
    magnitudes: MutableMapping[int, float] | None = None,
) -> NDArray[np.uint8]:
    """Return one code, uint8 (b, bits/8), for each user at ``users`` with some items more.

    The trained embedding of a user stands for what the release has seen of it. It is given the
    magnitude that the sum of those items' messages has, and the messages of the additions are added
    to it: one more item then weighs what each of those does. Items that the release has seen with
    the user count no second time.

    ``magnitudes`` keeps that magnitude for each user who was asked for, so that the items of one
    who has very many are summed once.

    Raises SearchError on a user or an item row that does not exist.
    """
    users = np.asarray(users)
    codes = release.user_codes(users)
    for number, (user, rows) in enumerate(zip(users.tolist(), additions, strict=True)):
        seen = release.seen[user]
        fresh = np.unique(rows)
        if seen.size:
            places = np.searchsorted(seen, fresh).clip(max=len(seen) - 1)
            fresh = fresh[seen[places] != fresh]
        if not fresh.size:
            continue
        added = sum_rows(release.fold_in_messages, [fresh], "additions")
        trained = release.user_embeddings[user].astype(np.float64)
        magnitude = np.abs(trained).mean()
        if seen.size and magnitude:
            before = None if magnitudes is None else magnitudes.get(user)
            if before is None:
                summed = sum_rows(release.fold_in_messages, [seen], "seen items")
                before = float(np.abs(summed).mean())
                if magnitudes is not None:
                    magnitudes[user] = before
            trained *= before / magnitude
        codes[number] = pack_signs(trained + added)[0]
    return codes


def sum_rows(
    values: NDArray[np.floating[Any]],
    chosen: Sequence[NDArray[np.integer[Any]]],
    name: str,
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Sum rows of ``values``, (n, f), once for each set of row numbers: float64 (b, f).

    Rows count once however often they are named, each times its weight of (n,) where there are
    any. Raises SearchError, calling the set by ``name``, where one is empty or names a row that
    does not exist.
    """
    sums = np.empty((len(chosen), values.shape[1]), np.float64)
    for number, given in enumerate(chosen):
        rows = np.unique(np.asarray(given))
        if rows.size == 0:
            raise SearchError(f"{name} {number} is empty: no code can be made of it")
        if rows.dtype.kind not in "iu" or rows[0] < 0 or rows[-1] >= len(values):
            raise SearchError(f"{name} {number} has a row outside 0 … {len(values) - 1}")
        if weights is None:
            sums[number] = values[rows].sum(axis=0, dtype=np.float64)
        else:
            sums[number] = weights[rows] @ values[rows].astype(np.float64)
    return sums
