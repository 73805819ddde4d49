"""Codes for users and items that training has not seen, from what they have and without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from index.errors import SearchError
from index.packing import check_codes, pack_signs, unpack_signs
from index.release import Release

# Points of the curve from an item's popularity to its mean score, and rows unpacked at once.
_GROUPS = 24
_BLOCK = 8192


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
    return pack_signs(sum_rows(release.fold_in_messages, histories, "history"))


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


class ItemFoldIn:
    """Makes codes for new items out of the users who have them, its audience.

    The sum of the users' embeddings e_u, each over sqrt(deg(u)) as in LightGCN, points the right
    way, but its signs alone score too high with everybody: what all users have in common adds up
    over the audience while their differences cancel, so a new item crowds out better ones. So the
    sum is shifted along the mean user code μ, by the c at which the code sgn(sum + c·μ) scores on
    average over all users, d·μ, what items of the catalogue with as many users score. That needs
    no search: as c grows each bit turns once, at a c of its own, and each turn adds 2|μ_k|.

    Args:
        user_embeddings: float (m, f), rows of one magnitude; their signs are the users' codes.
        user_degrees: int (m,), how many items each user has.
        item_codes: uint8 (n, f/8), codes of the catalogue.
        popularity: int (n,), how many users each item of it has.

    Raises SearchError where there are no users or items, or codes of another length.
    """

    def __init__(
        self,
        user_embeddings: NDArray[np.floating[Any]],
        user_degrees: NDArray[np.integer[Any]],
        item_codes: NDArray[np.uint8],
        popularity: NDArray[np.integer[Any]],
    ) -> None:
        users, bits = user_embeddings.shape
        check_codes(item_codes, bits // 8)
        if not users or not len(item_codes):
            raise SearchError("items cannot be folded in without users and items to go by")
        self._embeddings = user_embeddings
        self._weights = 1.0 / np.sqrt(np.maximum(user_degrees, 1))
        positive = np.zeros(bits, np.int64)
        for start in range(0, users, _BLOCK):
            positive += (user_embeddings[start : start + _BLOCK] >= 0).sum(axis=0)
        self._mean_code = 2.0 * positive / users - 1.0
        scores = np.empty(len(item_codes), np.float64)
        for start in range(0, len(item_codes), _BLOCK):
            block = slice(start, start + _BLOCK)
            scores[block] = unpack_signs(item_codes[block]) @ self._mean_code
        order = np.argsort(popularity, kind="stable")
        groups = np.array_split(order, min(_GROUPS, len(order)))
        sizes = np.log(np.maximum(popularity, 1))
        self._curve = (
            np.array([sizes[group].mean() for group in groups]),
            np.array([scores[group].mean() for group in groups]),
        )

    @classmethod
    def of(cls, release: Release) -> Self:
        """Fold into a release, by what it holds."""
        degrees = np.diff(release.seen.indptr)
        return cls(release.user_embeddings, degrees, release.item_codes, release.popularity)

    def codes(self, audiences: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.uint8]:
        """Return one code, uint8 (b, f/8), for each audience of user rows.

        Neither order nor repetition counts. Raises SearchError on an audience that is empty or has
        a row that does not exist.
        """
        sums = self.sums(audiences)
        wanted = [self.expected_score(len(np.unique(audience))) for audience in audiences]
        return pack_signs(self._shifted(sums, np.array(wanted)))

    def sums(self, audiences: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.float64]:
        """The sums of embeddings that the codes start from, float64 (b, f); errors as `codes`."""
        return sum_rows(self._embeddings, audiences, "audience", self._weights)

    def expected_score(self, popularity: int) -> float:
        """What items of the catalogue with so many users score on average over all users."""
        sizes, scores = self._curve
        return float(np.interp(np.log(max(popularity, 1)), sizes, scores))

    def _shifted(
        self, sums: NDArray[np.float64], wanted: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Signs of the sums shifted until the mean score is as near to the wanted as it gets."""
        moving = np.flatnonzero(self._mean_code)
        mean = self._mean_code[moving]
        turns = np.argsort(-sums[:, moving] / mean, axis=1, kind="stable")
        rises = np.cumsum(2 * np.abs(mean)[turns], axis=1)
        reached = np.concatenate([np.zeros((len(sums), 1)), rises], axis=1) - np.abs(mean).sum()
        turned = np.abs(reached - wanted[:, None]).argmin(axis=1)
        place = np.argsort(turns, axis=1, kind="stable")
        signs = np.sign(mean) * np.where(place < turned[:, None], 1, -1)
        shifted = sums.copy()
        shifted[:, moving] = signs
        return shifted
