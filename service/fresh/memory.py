"""What users did since a release, and what they ever hid, in memory."""

from collections.abc import Iterable, Sequence
from sys import intern
from typing import Final

from events.event import FORGET, HIDE, StoredEvent
from index.release import Release
from service.answers.catalogue import NewItems
from service.fresh.arrivals import Arrivals

_NONE: Final[Sequence[str]] = ()


class FreshEvents:
    """The events after a point, by user, and who wants items that the release does not know.

    What was hidden before that point is no part of a release: it is told apart, by ``recall``.
    Events are taken in on one thread, in their order; any thread may ask meanwhile.

    Args:
        release: which they come after.
        least_users: users of the release that an item needs which it does not know, before it can
            be recommended.

    Attributes:
        last: the number of the last event taken in.
        recalls: whether it has been told what was hidden before.
    """

    def __init__(self, release: Release, least_users: int) -> None:
        self.last = release.manifest.data.last_event
        self.recalls = self.last == 0
        self._release = release
        self._arrivals = Arrivals(release, least_users)
        self._came, self._folded_in = 0, 0
        self._taken: dict[str, list[str]] = {}
        self._hidden: dict[str, list[str]] = {}
        self._forgotten: set[str] = set()
        self._audiences: dict[str, dict[str, None]] = {}

    def recall(self, hides: Iterable[StoredEvent]) -> None:
        """Take in, once, the events up to the release's last that hide an item."""
        for one in hides:
            if one.user_id not in self._forgotten:
                self._hidden.setdefault(one.user_id, []).append(intern(one.item_id))
        self.recalls = True

    def take(self, events: Iterable[StoredEvent]) -> None:
        """Take in events that come after ``last``, in their order."""
        for one in events:
            if one.type == FORGET:
                self._forget(one.user_id)
            else:
                self._add(one)
            self.last = one.sequence

    def taken_by(self, user_id: str) -> Sequence[str]:
        """The ids of the items that a user has taken, the newest last."""
        return self._taken.get(user_id, _NONE)

    def hidden_from(self, user_id: str) -> Sequence[str]:
        """The ids of the items that a user never wants to see again."""
        return self._hidden.get(user_id, _NONE)

    def is_forgotten(self, user_id: str) -> bool:
        """Whether a user wanted what the release knows of them to be forgotten."""
        return user_id in self._forgotten

    @property
    def has_arrivals(self) -> bool:
        """Whether ``new_items`` may give others than the last time."""
        return self._came != self._folded_in

    def new_items(self) -> NewItems | None:
        """The items that the release does not know, with codes made of their users.

        Takes a while when there are many: not for the event loop.
        """
        came = self._came
        audiences = {item: tuple(users) for item, users in list(self._audiences.items())}
        new = self._arrivals.new_items(audiences)
        self._folded_in = came
        return new

    def _add(self, one: StoredEvent) -> None:
        item = intern(one.item_id)
        kept = self._hidden if one.type == HIDE else self._taken
        kept.setdefault(one.user_id, []).append(item)
        if one.type != HIDE and (
            item in self._audiences or self._release.items.row_of(item) is None
        ):
            self._audiences.setdefault(item, {})[one.user_id] = None
            self._came += 1

    def _forget(self, user_id: str) -> None:
        for item in self._taken.pop(user_id, _NONE):
            if item in self._audiences:
                self._audiences[item].pop(user_id, None)
                self._came += 1
        self._hidden.pop(user_id, None)
        self._forgotten.add(user_id)
