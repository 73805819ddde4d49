"""From a user of a release to the items for them."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchUnavailableError, UnknownItemError
from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.index.recommend.catalogue import Catalogue, NewItems
from bitrecall.index.recommend.explanations import reasons
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.search_steps import Search, SearchSteps
from bitrecall.index.recommend.types import Answer, History, QueryOptions, Source
from bitrecall.index.recommend.user_state import Taken, UserState, person
from bitrecall.index.releases.release import Release

_NOTHING = np.empty(0, np.int64)

MANY_ITEMS: Final = 2000
"""Items of a user beyond which an answer takes a thread: to leave them out takes milliseconds."""


class RecentActivity(Protocol):
    """What users have done since the release."""

    def interactions_of(self, user_id: str) -> Taken:
        """The items that a user has taken, the newest last."""
        ...

    def hidden_items_of(self, user_id: str) -> Taken:
        """The items that a user never wants to see again."""
        ...

    def is_forgotten(self, user_id: str) -> bool:
        """Whether a user wanted what the release knows of them to be forgotten."""
        ...


class NoRecentActivity:
    """Nobody has done anything since."""

    def interactions_of(self, user_id: str) -> Sequence[str]:
        """None."""
        return ()

    def hidden_items_of(self, user_id: str) -> Sequence[str]:
        """None."""
        return ()

    def is_forgotten(self, user_id: str) -> bool:
        """Nobody."""
        return False


class Recommender:
    """Answers from one release and what has come since; safe to use from several threads.

    An answer comes in steps (``bitrecall.index.recommend.search_steps``).

    Args:
        release: where users, items and codes are from: one answer is from one release.
        new: items that have come since.
        fresh: what users have done since.
        fold_in: makes codes for new users of the release; made when it is not given.
        folded_items: how many of the newest items that a user has taken since count for their code.

    Attributes:
        release: as given.
        catalogue: the items of the release and the new ones.
        fresh: as given.
    """

    def __init__(
        self,
        release: Release,
        new: NewItems | None = None,
        recent: RecentActivity | None = None,
        fold_in: UserFoldIn | None = None,
        folded_items: int = 1000,
    ) -> None:
        self._folded_items = folded_items
        self._has_long_users = bool((release.seen.lengths > MANY_ITEMS).any())
        self.release = release
        self.catalogue = Catalogue(release, new, fold_in)
        self.recent = recent or NoRecentActivity()

    @property
    def release_id(self) -> str:
        """The id of the release that answers."""
        return self.release.id

    @property
    def n_items(self) -> int:
        """How many items there are to choose from."""
        return len(self.catalogue)

    @property
    def is_fast(self) -> bool:
        """Whether a search takes a millisecond at most, and waits for nobody else."""
        return self.release.backend.is_fast

    @property
    def first_user(self) -> str:
        """The id of some user that the release knows: its first."""
        return self.release.users.id_of(0)

    def is_long(self, user_id: str | None) -> bool:
        """Whether a user has so many items that others should not wait for their answer."""
        if user_id is None:
            return False
        for items in (self.recent.interactions_of(user_id), self.recent.hidden_items_of(user_id)):
            if len(items) > MANY_ITEMS:
                return True
        if not self._has_long_users:
            return False
        row = self.release.users.row_of(user_id)
        return row is not None and len(self.release.seen[row]) > MANY_ITEMS

    def recommend(
        self, user_id: str | None, wish: QueryOptions, history: History | None = None
    ) -> SearchSteps[Answer]:
        """The ``k`` allowed items whose codes are nearest the user's, ties to the more popular.

        There are fewer than ``k`` items only when no more are allowed. Somebody of whom nothing is
        known gets the most popular items, and so does everybody, in an answer that says so, while
        the search does not answer. Raises ``FilterError`` when no item has an attribute that is
        asked for.
        """
        one = self._person(user_id, history)
        allowed = None if wish.allowed is None else self.catalogue.matching(wish.allowed)
        exclude = self._excluded(user_id, one, wish, self._unwanted(wish))
        if one.code is None:
            return self._popular(user_id, one, wish, exclude, allowed)
        try:
            distances, rows = yield Search(self.catalogue, one.code, wish.k, [exclude], allowed)
        except SearchUnavailableError:
            return self._popular(user_id, one, wish, exclude, allowed)
        return self._nearest(user_id, one, wish, distances[0], rows[0])

    def recommend_all(
        self, user_ids: Sequence[str | None], wish: QueryOptions, history: History | None = None
    ) -> SearchSteps[list[Answer]]:
        """As ``recommend``, for each of several users, with one search."""
        people = [self._person(user_id, history) for user_id in user_ids]
        allowed = None if wish.allowed is None else self.catalogue.matching(wish.allowed)
        unwanted = self._unwanted(wish)
        exclude = [
            self._excluded(user_id, one, wish, unwanted)
            for user_id, one in zip(user_ids, people, strict=True)
        ]
        found = yield from self._search_for(people, wish.k, exclude, allowed)
        return [
            self._nearest(user_id, one, wish, *found[place])
            if place in found
            else self._popular(user_id, one, wish, exclude[place], allowed)
            for place, (user_id, one) in enumerate(zip(user_ids, people, strict=True))
        ]

    def _nearest(
        self,
        user_id: str | None,
        one: UserState,
        wish: QueryOptions,
        distances: NDArray[np.int32],
        rows: NDArray[np.int64],
    ) -> Answer:
        """What a search found, which may be nothing in its last places."""
        if len(rows) and rows[-1] < 0:
            kept = rows >= 0
            distances, rows = distances[kept], rows[kept]
        return self._answer(user_id, one, wish, rows, distances.tolist(), one.source)

    def _popular(
        self,
        user_id: str | None,
        one: UserState,
        wish: QueryOptions,
        exclude: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> Answer:
        """The most popular items: of somebody with a code, because the search did not answer."""
        rows = self.catalogue.popular(wish.k, exclude, allowed)
        return self._answer(user_id, one, wish, rows, None, "popular")

    def _answer(
        self,
        user_id: str | None,
        one: UserState,
        wish: QueryOptions,
        rows: NDArray[np.int64],
        distances: Sequence[int] | None,
        source: Source,
    ) -> Answer:
        answer = Answer(
            user_id=user_id,
            k=wish.k,
            item_ids=self.catalogue.ids_of(rows),
            distances=distances,
            bits=self.release.bits,
            release_id=self.release.id,
            source=source,
            degraded=distances is None and one.code is not None,
        )
        return self._explained(answer, one, rows) if wish.explain else answer

    def _explained(self, answer: Answer, one: UserState, rows: NDArray[np.int64]) -> Answer:
        return answer._replace(
            code=None if one.code is None else one.code.tobytes().hex(),
            item_codes=[code.tobytes().hex() for code in self.catalogue.codes_of(rows)],
            reasons=reasons(self.catalogue, rows, one.latest()),
        )

    def similar(self, item_id: str, wish: QueryOptions) -> SearchSteps[Answer]:
        """The ``k`` allowed items whose codes are nearest an item's, itself left out.

        Raises ``UnknownItemError`` when there is no such item, ``FilterError`` as ``recommend``,
        and ``SearchUnavailableError``: the most popular items are not like it.
        """
        row = self.catalogue.row_of(item_id)
        if row is None:
            raise UnknownItemError(f"there is no item {item_id[:200]!r} in {self.release_id}")
        allowed = None if wish.allowed is None else self.catalogue.matching(wish.allowed)
        unwanted = self.catalogue.rows_of([*wish.exclude_items, item_id])
        code = self.catalogue.codes_of(np.array([row]))
        distances, rows = yield Search(self.catalogue, code, wish.k, [unwanted], allowed)
        kept = rows[0] >= 0
        return Answer(
            user_id=None,
            k=wish.k,
            item_ids=self.catalogue.ids_of(rows[0][kept]),
            distances=distances[0][kept].tolist(),
            bits=self.release.bits,
            release_id=self.release.id,
            source="codes",
        )

    def _person(self, user_id: str | None, history: History | None) -> UserState:
        if user_id is None:
            return person(self.catalogue, None, (), history)
        row = None
        if not self.recent.is_forgotten(user_id):
            row = self.release.users.row_of(user_id)
        return person(
            self.catalogue, row, self.recent.interactions_of(user_id), history, self._folded_items
        )

    def _unwanted(self, wish: QueryOptions) -> NDArray[np.int64]:
        return self.catalogue.rows_of(wish.exclude_items) if wish.exclude_items else _NOTHING

    def _excluded(
        self, user_id: str | None, one: UserState, wish: QueryOptions, unwanted: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        parts = [part for part in (unwanted,) if len(part)]
        if wish.exclude_seen:
            parts.append(one.items)
        if user_id is not None and (hidden := self.recent.hidden_items_of(user_id)):
            if isinstance(hidden, ItemHistory):
                parts.append(self.catalogue.rows_in(hidden))
            else:
                parts.append(self.catalogue.rows_of(hidden))
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else _NOTHING

    def _search_for(
        self,
        people: Sequence[UserState],
        k: int,
        exclude: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
    ) -> SearchSteps[Mapping[int, tuple[NDArray[np.int32], NDArray[np.int64]]]]:
        """Distances and rows for each of those who have a code, by their place among all.

        Nobody's, while the search does not answer.
        """
        asked = {place: one.code for place, one in enumerate(people) if one.code is not None}
        if not asked:
            return {}
        codes = np.concatenate(list(asked.values()))
        try:
            distances, rows = yield Search(
                self.catalogue, codes, k, [exclude[place] for place in asked], allowed
            )
        except SearchUnavailableError:
            return {}
        return {place: (distances[number], rows[number]) for number, place in enumerate(asked)}
