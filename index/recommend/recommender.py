"""Recommends items for users, and items like an item, from one release."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchUnavailableError, UnknownItemError
from bitrecall.index.fold_in.user_codes import CodeSource, UserEncoder
from bitrecall.index.recommend.catalogue import Catalogue, NewItems
from bitrecall.index.recommend.explanations import explain
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.recent_activity import NoRecentActivity, RecentActivity
from bitrecall.index.recommend.search_steps import SearchRequest, SearchSteps, run_steps
from bitrecall.index.recommend.types import History, QueryOptions, RankedItems
from bitrecall.index.recommend.user_state import UserState, user_state
from bitrecall.index.releases.release import Release

_NO_ITEMS = np.empty(0, np.int64)

MANY_ITEMS: Final = 2000
"""Users with more items than this are slow: leaving their items out takes milliseconds."""


class Recommender:
    """Recommends from one release and the activity since. Safe to use from several threads.

    The ``…_steps`` methods are for callers that run searches themselves, such as the service, which
    merges those of concurrent requests.

    Args:
        release: users, items and codes.
        new: items that came after the release was trained.
        recent: interactions since the release was trained; none by default.
        encoder: makes the users' codes; built from the release by default.
        folded_items: how many of a user's newest recent items count for the code.

    Attributes:
        release: users, items and codes.
        recent: interactions since the release was trained.
        encoder: makes the users' codes.
        catalogue: the items of the release and the new ones.
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
        """The id of the release."""
        return self.release.id

    @property
    def n_items(self) -> int:
        """The number of items, new ones included."""
        return len(self.catalogue)

    @property
    def is_fast(self) -> bool:
        """Whether a search takes at most a millisecond, without any network."""
        return self.release.backend.is_fast

    @property
    def first_user(self) -> str:
        """The id of the first user of the release."""
        return self.release.users.id_of(0)

    def is_long(self, user_id: str | None) -> bool:
        """Return whether a user has more than ``MANY_ITEMS`` items, which makes a request slow."""
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
    ) -> RankedItems:
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
    ) -> list[RankedItems]:
        """Return what ``recommend`` returns for each of several users, from one search."""
        return run_steps(self.recommend_many_steps(user_ids, options, history))

    def similar(self, item_id: str, options: QueryOptions) -> RankedItems:
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
    ) -> SearchSteps[RankedItems]:
        """Do the work of ``recommend``, yielding the search for the caller to run."""
        user = self._user_state(user_id, history)
        allowed = None if options.allowed is None else self.catalogue.matching(options.allowed)
        exclude = self._excluded(user_id, user, options, self._left_out(options))
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
    ) -> SearchSteps[list[RankedItems]]:
        """Do the work of ``recommend_many``, yielding the search for the caller to run."""
        users = [self._user_state(user_id, history) for user_id in user_ids]
        allowed = None if options.allowed is None else self.catalogue.matching(options.allowed)
        left_out = self._left_out(options)
        exclude = [
            self._excluded(user_id, user, options, left_out)
            for user_id, user in zip(user_ids, users, strict=True)
        ]
        results = yield from self._search(users, options.k, exclude, allowed)
        return [
            self._nearest(user_id, user, options, *results[place])
            if place in results
            else self._popular(user_id, user, options, exclude[place], allowed)
            for place, (user_id, user) in enumerate(zip(user_ids, users, strict=True))
        ]

    def similar_steps(self, item_id: str, options: QueryOptions) -> SearchSteps[RankedItems]:
        """Do the work of ``similar``, yielding the search for the caller to run."""
        row = self.catalogue.row_of(item_id)
        if row is None:
            raise UnknownItemError(f"there is no item {item_id[:200]!r} in {self.release_id}")
        allowed = None if options.allowed is None else self.catalogue.matching(options.allowed)
        left_out = self.catalogue.rows_of([*options.exclude_items, item_id])
        code = self.catalogue.codes_of(np.array([row]))
        distances, rows = yield SearchRequest(self.catalogue, code, options.k, [left_out], allowed)
        kept = rows[0] >= 0
        return RankedItems(
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
    ) -> RankedItems:
        """Make recommendations from the results of a search, which are padded with rows of -1."""
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
    ) -> RankedItems:
        """Make recommendations from the popular list; degraded if the user has a code."""
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
    ) -> RankedItems:
        answer = RankedItems(
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

    def _explained(
        self, answer: RankedItems, user: UserState, rows: NDArray[np.int64]
    ) -> RankedItems:
        return answer._replace(
            code=None if user.code is None else user.code.tobytes().hex(),
            item_codes=[code.tobytes().hex() for code in self.catalogue.codes_of(rows)],
            explanations=explain(self.catalogue, rows, user.latest()),
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

    def _left_out(self, options: QueryOptions) -> NDArray[np.int64]:
        return self.catalogue.rows_of(options.exclude_items) if options.exclude_items else _NO_ITEMS

    def _excluded(
        self,
        user_id: str | None,
        user: UserState,
        options: QueryOptions,
        left_out: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        parts = [left_out] if len(left_out) else []
        if options.exclude_seen:
            parts.append(user.items)
        if user_id is not None and (hidden := self.recent.hidden_items_of(user_id)):
            if isinstance(hidden, ItemHistory):
                parts.append(self.catalogue.rows_in(hidden))
            else:
                parts.append(self.catalogue.rows_of(hidden))
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else _NO_ITEMS

    def _search(
        self,
        users: Sequence[UserState],
        k: int,
        exclude: Sequence[NDArray[np.int64]],
        allowed: NDArray[np.bool_] | None,
    ) -> SearchSteps[Mapping[int, tuple[NDArray[np.int32], NDArray[np.int64]]]]:
        """Search for the users who have a code.

        Returns:
            Distances and rows by position in ``users``; empty if the search server does not
            respond.
        """
        codes = {place: user.code for place, user in enumerate(users) if user.code is not None}
        if not codes:
            return {}
        try:
            distances, rows = yield SearchRequest(
                self.catalogue,
                np.concatenate(list(codes.values())),
                k,
                [exclude[place] for place in codes],
                allowed,
            )
        except SearchUnavailableError:
            return {}
        return {place: (distances[number], rows[number]) for number, place in enumerate(codes)}
