"""Recommends items for users, and items like an item, from one release."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchUnavailableError, UnknownItemError
from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.recommend.catalogue import Catalogue, NewItems
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.own_items import allowed_items, merge_own_items, own_items
from bitrecall.index.recommend.ranking import nearest_items, popular_items, similar_items
from bitrecall.index.recommend.recent_activity import NoRecentActivity, RecentActivity
from bitrecall.index.recommend.search_steps import SearchRequest, SearchSteps, run_steps
from bitrecall.index.recommend.types import History, QueryOptions, RankedItems
from bitrecall.index.recommend.user_state import UserState, user_state
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.repeats import OwnItems

_NO_ITEMS = np.empty(0, np.int64)

MANY_ITEMS: Final = 2000
"""Requests of users with more items than this are slow: excluding them takes milliseconds."""


class Recommender:
    """Recommends from a release and the activity since its training. Thread-safe.

    The ``…_steps`` methods are for callers that run the searches themselves, such as the service,
    which merges the searches of concurrent requests.

    Args:
        release: users, items and codes.
        new: items that came after the release was trained.
        recent: interactions since the release was trained; none by default.
        encoder: makes the users' codes; built from the release by default.
        folded_items: how many of the newest recent items of a user count for the code.

    Attributes:
        release: users, items and codes.
        recent: interactions since the release was trained.
        encoder: makes the users' codes.
        catalogue: the items of the release and the new items.
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
        """The number of items, including new ones."""
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
        """Return the ``k`` allowed items whose codes are nearest to the user's code.

        Equal distances are ordered by popularity. If the release has repeats and
        ``options.exclude_seen`` is off, the user's own items get their places by how often the user
        took them (``bitrecall.index.releases.repeats``). There are fewer than ``k`` items only if
        no more are allowed. A user without a code gets the most popular items. If the search server
        does not respond, every user gets them, and the result is marked ``degraded``.

        Args:
            user_id: id of the user, known to the release or not; None for an anonymous user.
            options: how many items to recommend, and which.
            history: items of the user, in addition to the known ones or instead of them.

        Raises:
            FilterError: no item has an attribute that the filter names.
        """
        return run_steps(self.recommend_steps(user_id, options, history))

    def recommend_many(
        self, user_ids: Sequence[str | None], options: QueryOptions, history: History | None = None
    ) -> list[RankedItems]:
        """Return the result of ``recommend`` for each of several users, with a single search."""
        return run_steps(self.recommend_many_steps(user_ids, options, history))

    def similar(self, item_id: str, options: QueryOptions) -> RankedItems:
        """Return the ``k`` allowed items, other than an item, whose codes are nearest to its code.

        Args:
            item_id: an item of the release, or a new one.
            options: how many items to return, and which; ``exclude_seen`` and ``explain`` have no
                effect.

        Raises:
            UnknownItemError: the item is unknown.
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
        exclude = self._excluded(user_id, user, options, self._excluded_items(options))
        if user.code is None:
            return popular_items(self.catalogue, user_id, user, options, exclude, allowed)
        own = self._own_items(user_id, user, options, history, exclude, allowed)
        searched = exclude if own is None else np.concatenate([exclude, user.items])
        try:
            distances, rows = yield SearchRequest(
                self.catalogue, user.code, options.k, [searched], allowed
            )
        except SearchUnavailableError:
            return popular_items(self.catalogue, user_id, user, options, exclude, allowed)
        return self._nearest(user_id, user, options, own, (distances[0], rows[0]))

    def recommend_many_steps(
        self, user_ids: Sequence[str | None], options: QueryOptions, history: History | None = None
    ) -> SearchSteps[list[RankedItems]]:
        """Do the work of ``recommend_many``, yielding the search for the caller to run."""
        users = [self._user_state(user_id, history) for user_id in user_ids]
        allowed = None if options.allowed is None else self.catalogue.matching(options.allowed)
        excluded_items = self._excluded_items(options)
        exclude = [
            self._excluded(user_id, user, options, excluded_items)
            for user_id, user in zip(user_ids, users, strict=True)
        ]
        own = [
            self._own_items(user_id, user, options, history, rows, allowed)
            for user_id, user, rows in zip(user_ids, users, exclude, strict=True)
        ]
        searched = [
            rows if items is None else np.concatenate([rows, user.items])
            for user, items, rows in zip(users, own, exclude, strict=True)
        ]
        results = yield from self._search(users, options.k, searched, allowed)
        return [
            self._nearest(user_id, user, options, own[position], results[position])
            if position in results
            else popular_items(self.catalogue, user_id, user, options, exclude[position], allowed)
            for position, (user_id, user) in enumerate(zip(user_ids, users, strict=True))
        ]

    def similar_steps(self, item_id: str, options: QueryOptions) -> SearchSteps[RankedItems]:
        """Do the work of ``similar``, yielding the search for the caller to run."""
        row = self.catalogue.row_of(item_id)
        if row is None:
            raise UnknownItemError(f"there is no item {item_id[:200]!r} in {self.release_id}")
        allowed = None if options.allowed is None else self.catalogue.matching(options.allowed)
        excluded_items = self.catalogue.rows_of([*options.exclude_items, item_id])
        code = self.catalogue.codes_of(np.array([row]))
        distances, rows = yield SearchRequest(
            self.catalogue, code, options.k, [excluded_items], allowed
        )
        return similar_items(self.catalogue, options.k, distances[0], rows[0])

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

    def _excluded_items(self, options: QueryOptions) -> NDArray[np.int64]:
        return self.catalogue.rows_of(options.exclude_items) if options.exclude_items else _NO_ITEMS

    def _excluded(
        self,
        user_id: str | None,
        user: UserState,
        options: QueryOptions,
        excluded_items: NDArray[np.int64],
    ) -> NDArray[np.int64]:
        parts = [excluded_items] if len(excluded_items) else []
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

    def _own_items(
        self,
        user_id: str | None,
        user: UserState,
        options: QueryOptions,
        history: History | None,
        exclude: NDArray[np.int64],
        allowed: NDArray[np.bool_] | None,
    ) -> OwnItems | None:
        """Return the user's items that may be listed; None if they have no place of their own."""
        repeats = self.release.repeats
        if repeats is None or options.exclude_seen or user.code is None:
            return None
        recent = () if user_id is None else self.recent.interactions_of(user_id)
        own = own_items(self.catalogue, repeats, user.row, recent, history)
        return allowed_items(own, exclude, allowed)

    def _nearest(
        self,
        user_id: str | None,
        user: UserState,
        options: QueryOptions,
        own: OwnItems | None,
        results: tuple[NDArray[np.int32], NDArray[np.int64]],
    ) -> RankedItems:
        """Return the recommendations from a search, with the own items merged into it."""
        repeats = self.release.repeats
        if own is not None and repeats is not None and user.code is not None:
            results = merge_own_items(self.catalogue, repeats, user.code, own, results, options.k)
        return nearest_items(self.catalogue, user_id, user, options, *results, own)

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
        codes = {
            position: user.code for position, user in enumerate(users) if user.code is not None
        }
        if not codes:
            return {}
        try:
            distances, rows = yield SearchRequest(
                self.catalogue,
                np.concatenate(list(codes.values())),
                k,
                [exclude[position] for position in codes],
                allowed,
            )
        except SearchUnavailableError:
            return {}
        return {
            position: (distances[number], rows[number]) for number, position in enumerate(codes)
        }
