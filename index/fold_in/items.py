"""Codes for items that training has not seen, from the users who have them and without torch."""

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

# Exposure is counted in the first so many places of the lists of so many users.
_PLACES = 50
_USERS = 4096
# Points of the curve from an item's popularity to its exposure, and items folded in at once.
_GROUPS = 24
_BLOCK = 256


class ItemFoldIn:
    """Makes codes for new items out of the users who have them, its audience.

    The sum of the users' embeddings e_u, each over sqrt(deg(u)) as in LightGCN, points the right
    way, but its signs alone score too high with everybody: what all users have in common adds up
    over the audience while their differences cancel, and no training has held the item back where
    it does not belong. Such items crowd out better ones. So the sum is shifted along the mean user
    code μ, away from it, until the item stands in no larger a share of the users' lists than items
    of the catalogue with as many users do: its exposure. As the shift grows each bit that agrees
    with μ turns once, the one with the smallest sum for its mean first; how many have to, is found
    by bisection.

    Args:
        user_embeddings: float (m, f), rows of one magnitude; their signs are the users' codes.
        user_degrees: int (m,), how many items each user has.
        item_codes: uint8 (n, f/8), codes of the catalogue, in descending popularity.
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
        self._mean_code = _mean_of_signs(user_embeddings)
        # Evenly over all rows: they may be in an order.
        asked = np.unique(np.linspace(0, users - 1, min(users, _USERS)).astype(np.int64))
        codes = pack_signs(user_embeddings[asked])
        distances, listed = FlatBackend.build(item_codes).search(
            codes, min(_PLACES, len(item_codes))
        )
        self._user_signs = unpack_signs(codes).astype(np.float32)
        self._scores_to_beat = (bits - 2 * distances[:, -1]).astype(np.float32)
        exposure = np.bincount(listed.ravel(), minlength=len(item_codes)) / len(asked)
        order = np.argsort(popularity, kind="stable")
        groups = np.array_split(order, min(_GROUPS, len(order)))
        sizes = np.log(np.maximum(popularity, 1))
        self._curve = (
            np.array([sizes[group].mean() for group in groups]),
            np.array([exposure[group].mean() for group in groups]),
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
        made = [pack_signs(self.sums([]))]
        for start in range(0, len(audiences), _BLOCK):
            block = audiences[start : start + _BLOCK]
            sums = self.sums(block)
            wanted = [self.expected_exposure(len(np.unique(audience))) for audience in block]
            made.append(pack_signs(self._held_back(sums, np.array(wanted))))
        return np.concatenate(made)

    def sums(self, audiences: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.float64]:
        """The sums of embeddings that the codes start from, float64 (b, f); errors as ``codes``."""
        return sum_rows(self._embeddings, audiences, "audience", self._weights)

    def exposure(self, signs: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """The share of users whose lists items with these signs, ±1 (b, f), would enter: (b,)."""
        scores = self._user_signs @ signs.astype(np.float32).T
        return np.asarray((scores > self._scores_to_beat[:, None]).mean(axis=0))

    def expected_exposure(self, popularity: int) -> float:
        """In what share of users' lists items of the catalogue with so many users stand."""
        sizes, shares = self._curve
        return float(np.interp(np.log(max(popularity, 1)), sizes, shares))

    def _held_back(
        self, sums: NDArray[np.float64], wanted: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Signs of the sums, with the fewest turned at which the exposure is no more than wanted.

        The fewest that bisection finds: exposure falls with each turn but for rare exceptions.
        """
        signs = np.where(sums >= 0, 1.0, -1.0)
        agreeing = signs * self._mean_code > 0
        evidence = np.divide(sums, self._mean_code, out=np.full_like(sums, np.inf), where=agreeing)
        place = np.argsort(np.argsort(evidence, axis=1, kind="stable"), axis=1, kind="stable")

        def turned(count: NDArray[np.int64]) -> NDArray[np.float64]:
            return np.where(place < count[:, None], -signs, signs)

        fewest, most = np.zeros(len(sums), np.int64), agreeing.sum(axis=1)
        while (open_ := fewest < most).any():
            middle = (fewest + most) // 2
            enough = self.exposure(turned(middle)) <= wanted
            most = np.where(open_ & enough, middle, most)
            fewest = np.where(open_ & ~enough, middle + 1, fewest)
        return turned(fewest)


def _mean_of_signs(embeddings: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    positive = np.zeros(embeddings.shape[1], np.int64)
    for start in range(0, len(embeddings), _USERS):
        positive += (embeddings[start : start + _USERS] >= 0).sum(axis=0)
    return np.asarray(2.0 * positive / len(embeddings) - 1.0)
