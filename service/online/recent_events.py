"""The events since a release, and all hidden items, in memory."""

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
    """The events after a position, by user, and the users of items that the release lacks.

    ``begin`` sets the position, before the first ``add``. One thread adds events, in their order;
    any thread may read.

    Args:
        release: the release that the events come after.
        min_users: minimum users of the release that a new item needs before it is recommended.

    Attributes:
        start: the position at which reading started; None before ``begin``.
        last: sequence number of the last event.
        unusable: number of invalid events.
    """

    def __init__(self, release: Release, min_users: int) -> None:
        self.start: ReadingStart | None = None
        self.last = 0
        self.unusable = 0
        self._release = release
        self._encoder = NewItemEncoder(release, min_users)
        self._revision, self._encoded_revision = 0, 0
        # Users with many items have an ItemHistory.
        self._interactions: dict[str, list[str] | ItemHistory] = {}
        self._hidden: dict[str, list[str] | ItemHistory] = {}
        self._forgotten: set[str] = set()
        self._audiences: dict[str, dict[str, None]] = {}
        self._known: set[str] = set()

    def begin(self, start: ReadingStart, hides: Iterable[StoredEvent]) -> None:
        """Set the position at which reading starts, once.

        Args:
            start: the position; events after it are read.
            hides: earlier events of type ``hide``, which a release does not contain.
        """
        for hide in hides:
            if event_fault(*hide[1:], 0.0) is None:
                self._append(self._hidden, hide.user_id, intern(hide.item_id))
        self.start, self.last = start, start.after

    def add(self, events: Iterable[StoredEvent]) -> None:
        """Add events that follow ``last``, in their order; invalid events are only counted."""
        now = time.time()
        for sequence, user_id, item_id, kind, at in events:
            if event_fault(user_id, item_id, kind, at, now) is not None:
                self.unusable += 1
            elif kind == FORGET:
                self._forget(user_id)
            else:
                self._add(user_id, item_id, kind)
            self.last = sequence

    def interactions_of(self, user_id: str) -> RecentItems:
        """The items that a user has interacted with, newest last."""
        return self._interactions.get(user_id, _NONE)

    def hidden_items_of(self, user_id: str) -> RecentItems:
        """The items that a user has hidden."""
        return self._hidden.get(user_id, _NONE)

    def is_forgotten(self, user_id: str) -> bool:
        """Whether the release's data about a user must be ignored."""
        return user_id in self._forgotten

    @property
    def has_new_items(self) -> bool:
        """Whether ``new_items`` may have changed since the last call."""
        return self._revision != self._encoded_revision

    def new_items(self) -> NewItems | None:
        """The items that are not in the release, with codes.

        Slow if there are many: do not call on the event loop.
        """
        revision = self._revision
        audiences = {item: tuple(users) for item, users in list(self._audiences.items())}
        new = self._encoder.new_items(audiences)
        self._encoded_revision = revision
        return new

    def _add(self, user_id: str, item_id: str, kind: str) -> None:
        item = intern(item_id)
        self._append(self._hidden if kind == HIDE else self._interactions, user_id, item)
        if kind != HIDE and item not in self._known:
            if item in self._audiences or self._release.items.row_of(item) is None:
                self._audiences.setdefault(item, {})[user_id] = None
                self._revision += 1
            else:
                self._known.add(item)

    def _append(
        self, histories: dict[str, list[str] | ItemHistory], user_id: str, item: str
    ) -> None:
        history = histories.get(user_id)
        if history is None:
            histories[user_id] = [item]
            return
        history.append(item)
        if len(history) > LONG and not isinstance(history, ItemHistory):
            histories[user_id] = ItemHistory.of(history, self._release.items)

    def _forget(self, user_id: str) -> None:
        history = self._interactions.pop(user_id, _NONE)
        for item in history.unknown_ids if isinstance(history, ItemHistory) else history:
            if item in self._audiences:
                self._audiences[item].pop(user_id, None)
                self._revision += 1
        self._hidden.pop(user_id, None)
        self._forgotten.add(user_id)
