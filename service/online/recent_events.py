"""What users did since a release, and what they ever hid, in memory."""

import time
from collections.abc import Iterable, Sequence
from sys import intern
from typing import Final

from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.events.position import ReadingStart
from bitrecall.events.rules import event_fault
from bitrecall.index.recommend.catalogue import NewItems
from bitrecall.index.recommend.item_history import LONG, ItemHistory
from bitrecall.index.recommend.recent_activity import RecentItems
from bitrecall.index.releases.release import Release
from bitrecall.service.online.new_items import NewItemEncoder

_NONE: Final[Sequence[str]] = ()


class RecentEvents:
    """The events after a point, by user, and who wants items that the release does not know.

    It has to be told once where that point is, by ``begin``, before it can ``take`` any.
    Events are taken in on one thread, in their order; any thread may ask meanwhile.

    Args:
        release: which they come after.
        least_users: users of the release that an item needs which it does not know, before it can
            be recommended.

    Attributes:
        start: where reading the events began; None before ``begin``.
        last: the number of the last event taken in.
        unusable: how many events could not be used.
    """

    def __init__(self, release: Release, min_users: int) -> None:
        self.start: ReadingStart | None = None
        self.last = 0
        self.unusable = 0
        self._release = release
        self._encoder = NewItemEncoder(release, min_users)
        self._revision, self._encoded_revision = 0, 0
        # Of a user with many items, an ItemHistory.
        self._taken: dict[str, list[str] | ItemHistory] = {}
        self._hidden: dict[str, list[str] | ItemHistory] = {}
        self._forgotten: set[str] = set()
        self._audiences: dict[str, dict[str, None]] = {}
        self._known: set[str] = set()

    def begin(self, start: ReadingStart, hides: Iterable[StoredEvent]) -> None:
        """Set where reading begins, once.

        Args:
            start: read the events after this.
            hides: those before it that hide an item, which are no part of a release.
        """
        for one in hides:
            if event_fault(*one[1:], 0.0) is None:
                self._keep(self._hidden, one.user_id, intern(one.item_id))
        self.start, self.last = start, start.after

    def take(self, events: Iterable[StoredEvent]) -> None:
        """Take in events that come after ``last``, in their order.

        Those that cannot be used are left out and counted.
        """
        now = time.time()
        for one in events:
            sequence, user_id, item_id, kind, at = one
            if event_fault(user_id, item_id, kind, at, now) is not None:
                self.unusable += 1
            elif kind == FORGET:
                self._forget(user_id)
            else:
                self._add(user_id, item_id, kind)
            self.last = sequence

    def interactions_of(self, user_id: str) -> RecentItems:
        """The items that a user has taken, the newest last."""
        return self._taken.get(user_id, _NONE)

    def hidden_items_of(self, user_id: str) -> RecentItems:
        """The items that a user never wants to see again."""
        return self._hidden.get(user_id, _NONE)

    def is_forgotten(self, user_id: str) -> bool:
        """Whether a user wanted what the release knows of them to be forgotten."""
        return user_id in self._forgotten

    @property
    def has_new_items(self) -> bool:
        """Whether ``new_items`` may give others than the last time."""
        return self._revision != self._encoded_revision

    def new_items(self) -> NewItems | None:
        """The items that the release does not know, with codes made of their users.

        Takes a while when there are many: not for the event loop.
        """
        came = self._revision
        audiences = {item: tuple(users) for item, users in list(self._audiences.items())}
        new = self._encoder.new_items(audiences)
        self._encoded_revision = came
        return new

    def _add(self, user_id: str, item_id: str, kind: str) -> None:
        item = intern(item_id)
        self._keep(self._hidden if kind == HIDE else self._taken, user_id, item)
        if kind != HIDE and item not in self._known:
            if item in self._audiences or self._release.items.row_of(item) is None:
                self._audiences.setdefault(item, {})[user_id] = None
                self._revision += 1
            else:
                self._known.add(item)

    def _keep(self, kept: dict[str, list[str] | ItemHistory], user_id: str, item: str) -> None:
        own = kept.get(user_id)
        if own is None:
            kept[user_id] = [item]
            return
        own.append(item)
        if len(own) > LONG and not isinstance(own, ItemHistory):
            kept[user_id] = ItemHistory.of(own, self._release.items)

    def _forget(self, user_id: str) -> None:
        taken = self._taken.pop(user_id, _NONE)
        for item in taken.unknown_ids if isinstance(taken, ItemHistory) else taken:
            if item in self._audiences:
                self._audiences[item].pop(user_id, None)
                self._revision += 1
        self._hidden.pop(user_id, None)
        self._forgotten.add(user_id)
