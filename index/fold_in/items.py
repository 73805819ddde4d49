"""Codes of items that were not in the training data, made from their users, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.fold_in.users import sum_rows
from bitrecall.index.releases.release import Release
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import check_codes, pack_signs, unpack_signs

# Exposure is measured in lists of this length, for this many users.
_LIST_LENGTH = 50
_USERS = 4096
# Points of the curve from popularity to exposure, and items folded in at once.
_GROUPS = 24
_BLOCK = 256


class ItemFoldIn:
    """Makes the codes of new items from their users, the audience.

    The code starts from the sum of the users' embeddings e_u, each divided by sqrt(deg(u)) as in
    LightGCN. The signs of this sum score too high for all users: what the users have in common adds
    up, their differences cancel, and no training has lowered the score for users who do not want
    the item. Such items displace better ones. So the sum is shifted away from the mean user code μ
    until the item's exposure (the share of users with the item in their list) is at most that of
    catalogue items with the same number of users. As the shift grows, each bit that agrees with μ
    flips once, the bit with the smallest ratio of sum to mean first. Bisection finds the number of
    flips.

    Args:
        user_embeddings: float (m, f), rows of equal magnitude; their signs are the users' codes.
        user_degrees: int (m,), items per user.
        item_codes: uint8 (n, f/8), codes of the catalogue in descending popularity.
        popularity: int (n,), users per item.

    Raises:
        SearchError: no users or items, or codes of another length.
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
            raise SearchError("items cannot be folded in without users and items")
        self._embeddings = user_embeddings
        self._weights = 1.0 / np.sqrt(np.maximum(user_degrees, 1))
        self._mean_code = _mean_of_signs(user_embeddings)
        # Spread evenly over all rows, which may be sorted.
        sample = np.unique(np.linspace(0, users - 1, min(users, _USERS)).astype(np.int64))
        codes = pack_signs(user_embeddings[sample])
        distances, listed = FlatBackend.build(item_codes).search(
            codes, min(_LIST_LENGTH, len(item_codes))
        )
        self._user_signs = unpack_signs(codes).astype(np.float32)
        self._scores_to_beat = (bits - 2 * distances[:, -1]).astype(np.float32)
        exposure = np.bincount(listed.ravel(), minlength=len(item_codes)) / len(sample)
        order = np.argsort(popularity, kind="stable")
        groups = np.array_split(order, min(_GROUPS, len(order)))
        sizes = np.log(np.maximum(popularity, 1))
        self._curve = (
            np.array([sizes[group].mean() for group in groups]),
            np.array([exposure[group].mean() for group in groups]),
        )

    @classmethod
    def of(cls, release: Release) -> Self:
        """Build from a release."""
        degrees = np.diff(release.seen.indptr)
        return cls(release.user_embeddings, degrees, release.item_codes, release.popularity)

    def codes(self, audiences: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.uint8]:
        """Return one code, uint8 (b, f/8), for each audience of user rows.

        The order and repetition of rows do not matter.

        Raises:
            SearchError: an audience is empty, or has a row that does not exist.
        """
        codes = [pack_signs(self.sums([]))]
        for start in range(0, len(audiences), _BLOCK):
            block = audiences[start : start + _BLOCK]
            sums = self.sums(block)
            limits = [self.expected_exposure(len(np.unique(audience))) for audience in block]
            codes.append(pack_signs(self._limit_exposure(sums, np.array(limits))))
        return np.concatenate(codes)

    def sums(self, audiences: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.float64]:
        """Return the sums of embeddings, float64 (b, f). Raises what ``codes`` raises."""
        return sum_rows(self._embeddings, audiences, "audience", self._weights)

    def exposure(self, signs: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return the exposure, (b,), of items with these signs, ±1 (b, f)."""
        scores = self._user_signs @ signs.astype(np.float32).T
        return np.asarray((scores > self._scores_to_beat[:, None]).mean(axis=0))

    def expected_exposure(self, popularity: int) -> float:
        """Return the mean exposure of catalogue items with this many users."""
        sizes, shares = self._curve
        return float(np.interp(np.log(max(popularity, 1)), sizes, shares))

    def _limit_exposure(
        self, sums: NDArray[np.float64], limits: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the signs of the sums, with the fewest flips that limit the exposure.

        Bisection assumes that each flip lowers the exposure, which has rare exceptions.
        """
        signs = np.where(sums >= 0, 1.0, -1.0)
        agreeing = signs * self._mean_code > 0
        ratio = np.divide(sums, self._mean_code, out=np.full_like(sums, np.inf), where=agreeing)
        place = np.argsort(np.argsort(ratio, axis=1, kind="stable"), axis=1, kind="stable")

        def flipped(count: NDArray[np.int64]) -> NDArray[np.float64]:
            return np.where(place < count[:, None], -signs, signs)

        low, high = np.zeros(len(sums), np.int64), agreeing.sum(axis=1)
        while (undecided := low < high).any():
            middle = (low + high) // 2
            is_enough = self.exposure(flipped(middle)) <= limits
            high = np.where(undecided & is_enough, middle, high)
            low = np.where(undecided & ~is_enough, middle + 1, low)
        return flipped(low)


def _mean_of_signs(embeddings: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    positive = np.zeros(embeddings.shape[1], np.int64)
    for start in range(0, len(embeddings), _USERS):
        positive += (embeddings[start : start + _USERS] >= 0).sum(axis=0)
    return np.asarray(2.0 * positive / len(embeddings) - 1.0)
