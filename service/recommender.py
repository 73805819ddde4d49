"""From a user of a release to the items for them; knows nothing of the web."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from index.release import Release


@dataclass(frozen=True)
class Answer:
    """The items for one user, best first.

    ``distances`` are Hamming distances in bits, one an item; None when the source is "popular".
    ``bits`` is the length of a code.
    """

    user_id: str
    k: int
    item_ids: Sequence[str]
    distances: Sequence[int] | None
    bits: int
    release_id: str
    source: Literal["codes", "popular"]


class Recommender:
    """Answers from one release; safe to use from several threads."""

    def __init__(self, release: Release) -> None:
        self._release = release

    @property
    def release_id(self) -> str:
        """The id of the release that answers."""
        return self._release.id

    @property
    def n_items(self) -> int:
        """How many items there are to choose from."""
        return self._release.n_items

    @property
    def first_user(self) -> str:
        """The id of some user that the release knows: its first."""
        return self._release.users.id_of(0)

    def recommend(self, user_id: str, k: int, *, exclude_seen: bool = True) -> Answer:
        """The ``k`` items whose codes are nearest the user's, ties to the more popular one.

        The user's code is made of the cached embedding now. ``exclude_seen`` leaves out what the
        user had when the release was made. There are fewer than ``k`` items when no more are
        allowed. A user that the release does not know gets its most popular items. Raises
        ``SearchError`` when ``k`` is negative.
        """
        row = self._release.users.row_of(user_id)
        if row is None:
            return self._popular(user_id, k)
        release = self._release
        exclude = [release.seen[row]] if exclude_seen else None
        codes = release.user_codes(np.array([row]))
        distances, rows = release.backend.search(codes, k, exclude)
        found = int(np.count_nonzero(rows[0] >= 0))
        return Answer(
            user_id=user_id,
            k=k,
            item_ids=release.items.ids_of(rows[0, :found]),
            distances=distances[0, :found].tolist(),
            bits=release.bits,
            release_id=release.id,
            source="codes",
        )

    def _popular(self, user_id: str, k: int) -> Answer:
        # Rows are in descending popularity.
        rows = np.arange(min(k, self._release.n_items))
        return Answer(
            user_id=user_id,
            k=k,
            item_ids=self._release.items.ids_of(rows),
            distances=None,
            bits=self._release.bits,
            release_id=self._release.id,
            source="popular",
        )
