"""From a user of a release to the items for them."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchUnavailableError, UnknownItemError
from bitrecall.index.fold_in.user_codes import CodeSource, UserEncoder
from bitrecall.index.recommend.catalogue import Catalogue, NewItems
from bitrecall.index.recommend.explanations import reasons
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.search_steps import SearchRequest, SearchSteps, run_steps
from bitrecall.index.recommend.types import Answer, History, QueryOptions
from bitrecall.index.recommend.user_state import RecentItems, UserState, user_state
from bitrecall.index.releases.release import Release

_NOTHING = np.empty(0, np.int64)

MANY_ITEMS: Final = 2000
"""Items of a user beyond which an answer takes a thread: to leave them out takes milliseconds."""


class RecentActivity(Protocol):
    """What users have done since the release."""

    def interactions_of(self, user_id: str) -> RecentItems:
        """The items that a user has taken, the newest last."""
        ...

    def hidden_items_of(self, user_id: str) -> RecentItems:
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

    The ``…_steps`` methods are for callers that run searches themselves, such as the service, which
    merges those of concurrent requests.

    Args:
        release: where users, items and codes are from: one answer is from one release.
        new: items that have come since.
        fresh: what users have done since.
        encoder: makes the users' codes; built from the release by default.
        folded_items: how many of the newest items that a user has taken since count for their code.

    Attributes:
        release: as given.
        encoder: makes the users' codes.
        catalogue: the items of the release and the new ones.
        fresh: as given.
    """

    def __init__(
        self,
        release: Release,
        new: NewItems | None = None,
        recent: RecentActivity | None = None,
        encoder: UserEncoder | None = None,
        folded_items: int = 1000,
    ) -> None:
        self._folded_items = folded_items
        self._has_long_users = bool((release.seen.lengths > MANY_ITEMS).any())
        self.release = release
        self.encoder = encoder or UserEncoder(release)
        self.catalogue = Catalogue(release, new)
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
        self, user_id: str | None, options: QueryOptions, history: History | None = None
    ) -> Answer:
        """Return the ``k`` allowed items whose codes are nearest the user's.

        Equal distances are ordered by popularity. There are fewer than ``k`` items only if no more
        are allowed. A user without a code gets the most popular items. If the search server does
        not respond, every user does, and the answer is marked ``degraded``.

        Args:
            user_id: an id that the release need not know; None for an anonymous user.
            options: how many items, and which.
            history: items that the user has, besides or instead of the known ones.

        Raises:
            FilterError: no item has an attribute that the filter names.
        """
        return run_steps(self.recommend_steps(user_id, options, history))

    def recommend_many(
        self, user_ids: Sequence[str | None], options: QueryOptions, history: History | None = None
    ) -> list[Answer]:
        """Return what ``recommend`` returns for each of several users, from one search."""
        return run_steps(self.recommend_many_steps(user_ids, options, history))

    def similar(self, item_id: str, options: QueryOptions) -> Answer:
        """Return the ``k`` allowed items whose codes are nearest an item's, without that item.

        Args:
            item_id: an item of the release, or a new one.
            options: how many items, and which; ``exclude_seen`` and ``explain`` have no effect.

        Raises:
            UnknownItemError: there is no such item.
            FilterError: no item has an attribute that the filter names.
            SearchUnavailableError: the search server does not respond.
        """
        return run_steps(self.similar_steps(item_id, options))

    def recommend_steps(
        self, user_id: str | None, options: QueryOptions, history: History | None = None
    ) -> SearchSteps[Answer]:
        """Do the work of ``recommend``, yielding the search for the caller to run."""
        user = self._user_state(user_id, history)
        allowed = None if options.allowed is None else self.catalogue.matching(options.allowed)
        exclude = self._excluded(user_id, user, options, self._unwanted(options))
        if user.code is None:
            return self._popular(user_id, user, options, exclude, allowed)
        try:
            distances, rows = yield SearchRequest(
                self.catalogue, user.code, options.k, [exclude], allowed
            )
        except SearchUnavailableError:
            return self._popular(user_id, user, options, exclude, allowed)
        return self._nearest(user_id, user, options, distances[0], rows[0])

    def recommend_many_steps(
        self, user_ids: Sequence[str | None], options: QueryOptions, history: History | None = None
    ) -> SearchSteps[list[Answer]]:
        """Do the work of ``recommend_many``, yielding the search for the caller to run."""
        users = [self._user_state(user_id, history) for user_id in user_ids]
        allowed = None if options.allowed is None else self.catalogue.matching(options.allowed)
        unwanted = self._unwanted(options)
        exclude = [
            self._excluded(user_id, user, options, unwanted)
            for user_id, user in zip(user_ids, users, strict=True)
        ]
        found = yield from self._search_for(users, options.k, exclude, allowed)
        return [
            self._nearest(user_id, user, options, *found[place])
            if place in found
            else self._popular(user_id, user, options, exclude[place], allowed)
            for place, (user_id, user) in enumerate(zip(user_ids, users, strict=True))
        ]

    def similar_steps(self, item_id: str, options: QueryOptions) -> SearchSteps[Answer]:
        """Do the work of ``similar``, yielding the search for the caller to run."""
        row = self.catalogue.row_of(item_id)
        if row is None:
            raise UnknownItemError(f"there is no item {item_id[:200]!r} in {self.release_id}")
        allowed = None if options.allowed is None else self.catalogue.matching(options.allowed)
        unwanted = self.catalogue.rows_of([*options.exclude_items, item_id])
        code = self.catalogue.codes_of(np.array([row]))
        distances, rows = yield SearchRequest(self.catalogue, code, options.k, [unwanted], allowed)
        kept = rows[0] >= 0
        return Answer(
            user_id=None,
            k=options.k,
            item_ids=self.catalogue.ids_of(rows[0][kept]),
            distances=distances[0][kept].tolist(),
            bits=self.release.bits,
            release_id=self.release.id,
            source="codes",
        )

    def _nearest(
        self,
        user_id: str | None,
        user: UserState,
        options: QueryOptions,
        distances: NDArray[np.int32],
        rows: NDArray[np.int64],
    ) -> Answer:
        """What a search found, which may be nothing in its last places."""
        if len(rows) and rows[-1] < 0:
            kept = rows >= 0
            distances, rows = distances[kept], rows[kept]
        return self._answer(user_id, user, options, rows, distances.tolist(), user.source)

    def _popular(
        self,
        user_id: str | None,
        user: UserState,
        options: QueryOptions,
        exclude: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> Answer:
        """The most popular items: of somebody with a code, because the search did not answer."""
        rows = self.catalogue.popular(options.k, exclude, allowed)
        return self._answer(user_id, user, options, rows, None, "popular")

    def _answer(
        self,
        user_id: str | None,
        user: UserState,
        options: QueryOptions,
        rows: NDArray[np.int64],
        distances: Sequence[int] | None,
        source: CodeSource,
    ) -> Answer:
        answer = Answer(
            user_id=user_id,
            k=options.k,
            item_ids=self.catalogue.ids_of(rows),
            distances=distances,
            bits=self.release.bits,
            release_id=self.release.id,
            source=source,
            degraded=distances is None and user.code is not None,
        )
        return self._explained(answer, user, rows) if options.explain else answer

    def _explained(self, answer: Answer, user: UserState, rows: NDArray[np.int64]) -> Answer:
        return answer._replace(
            code=None if user.code is None else user.code.tobytes().hex(),
            item_codes=[code.tobytes().hex() for code in self.catalogue.codes_of(rows)],
            reasons=reasons(self.catalogue, rows, user.latest()),
        )

    def _user_state(self, user_id: str | None, history: History | None) -> UserState:
        if user_id is None:
            return user_state(self.catalogue, self.encoder, None, (), history)
        row = None
        if not self.recent.is_forgotten(user_id):
            row = self.release.users.row_of(user_id)
        return user_state(
            self.catalogue,
            self.encoder,
            row,
            self.recent.interactions_of(user_id),
            history,
            self._folded_items,
        )

    def _unwanted(self, options: QueryOptions) -> NDArray[np.int64]:
        return self.catalogue.rows_of(options.exclude_items) if options.exclude_items else _NOTHING

    def _excluded(
        self,
        user_id: str | None,
        user: UserState,
        options: QueryOptions,
        unwanted: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        parts = [part for part in (unwanted,) if len(part)]
        if options.exclude_seen:
            parts.append(user.items)
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
        users: Sequence[UserState],
        k: int,
        exclude: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
    ) -> SearchSteps[Mapping[int, tuple[NDArray[np.int32], NDArray[np.int64]]]]:
        """Distances and rows for each of those who have a code, by their place among all.

        Nobody's, while the search does not answer.
        """
        asked = {place: user.code for place, user in enumerate(users) if user.code is not None}
        if not asked:
            return {}
        codes = np.concatenate(list(asked.values()))
        try:
            distances, rows = yield SearchRequest(
                self.catalogue, codes, k, [exclude[place] for place in asked], allowed
            )
        except SearchUnavailableError:
            return {}
        return {place: (distances[number], rows[number]) for number, place in enumerate(asked)}
