"""Keeping what answers come from up to date with what users do."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from events.errors import EventsError, EventsUnavailableError
from events.event import Appended, Event
from events.store import EventStore
from index.release import Release
from service.answers.recommender import Recommender
from service.fresh.memory import FreshEvents
from service.fresh.signal import Signal
from service.fresh.writer import EventWriter

# Seconds before a database that did not answer is asked again.
RETRY_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


class HoldsRecommender(Protocol):
    """Whatever holds what answers now."""

    recommender: Recommender | None


class Live:
    """Events: taking them in, and having what answers know of them.

    One worker's own, on its event loop; workers share the database and the signal.

    Args:
        store: where events are kept; None where they are not.
        signal: rises whenever a worker of this machine has made events durable.
        least_users: users of the release that a new item needs, before it can be recommended.
        clock: seconds.
    """

    def __init__(
        self,
        store: EventStore | None,
        signal: Signal,
        least_users: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._signal = signal
        self._least_users = least_users
        self._clock = clock
        self._writer = EventWriter(store, signal.give) if store is not None else None
        self._catching_up = asyncio.Lock()
        self._seen = -1
        self._retry_at = float("-inf")
        self._failing = False

    async def append(self, events: Sequence[Event]) -> Appended:
        """Make events durable. Raises ``EventsError`` where they are not kept, or cannot be."""
        if self._writer is None:
            raise _not_kept()
        return await self._writer.append(events)

    async def forget(self, user_id: str) -> int:
        """Remove a user's events; how many. Raises ``EventsError`` as ``append``."""
        if self._store is None:
            raise _not_kept()
        removed = await asyncio.to_thread(self._store.forget, user_id)
        self._signal.give()
        return removed

    def recommender_of(self, release: Release) -> Recommender:
        """A recommender of a release that knows the events since. Not for the event loop."""
        fresh = FreshEvents(release, self._least_users)
        if self._store is not None:
            with self._said():
                fresh.recall(self._store.hides(fresh.last))
                while some := self._store.after(fresh.last):
                    fresh.take(some)
        return Recommender(release, fresh.new_items(), fresh)

    @property
    def is_behind(self) -> bool:
        """Whether ``catch_up`` would look at the database, without ``look``."""
        return self._store is not None and self._signal.value != self._seen

    async def catch_up(self, holder: HoldsRecommender, *, look: bool = False) -> None:
        """Take in the events that have become durable since the last time.

        Costs next to nothing where there are none. With ``look`` the database is asked even if no
        worker of this machine has given a signal. A database that does not answer leaves what is
        known as it is, and is not asked again for ``RETRY_SECONDS``.
        """
        if self._store is None or not (look or self.is_behind):
            return
        async with self._catching_up:
            value = self._signal.value
            if not (look or value != self._seen) or self._clock() < self._retry_at:
                return
            recommender = holder.recommender
            if recommender is None or not isinstance(recommender.fresh, FreshEvents):
                return
            fresh = recommender.fresh
            with self._said():
                if not fresh.recalls:
                    before = recommender.release.manifest.data.last_event
                    fresh.recall(await asyncio.to_thread(self._store.hides, before))
                while some := await asyncio.to_thread(self._store.after, fresh.last):
                    fresh.take(some)
                self._seen = value

    async def fold_arrivals_in(self, holder: HoldsRecommender) -> None:
        """Have new items searched, if any have come, or gone, since the last time."""
        before = holder.recommender
        if before is None or not isinstance(before.fresh, FreshEvents):
            return
        if before.fresh.has_arrivals:
            new = await asyncio.to_thread(before.fresh.new_items)
            # Another release may have taken over meanwhile, which has made its own.
            if holder.recommender is before:
                fold_in = before.catalogue.fold_in
                holder.recommender = Recommender(before.release, new, before.fresh, fold_in)

    async def watch(self, holder: HoldsRecommender, interval: float) -> None:
        """Look for events and new items every ``interval`` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self.catch_up(holder, look=True)
                await self.fold_arrivals_in(holder)
            except Exception:
                # A fault of ours must not end the looking.
                _log.exception("looking for new events failed")

    def close(self) -> None:
        """Let go of the database and of the signal."""
        if self._store is not None:
            self._store.close()
        self._signal.close()

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say once in the log that the database does not answer, and once that it does again."""
        try:
            yield
        except EventsError as error:
            self._retry_at = self._clock() + RETRY_SECONDS
            level = logging.DEBUG if self._failing else logging.WARNING
            self._failing = True
            _log.log(level, "answers do not know of the latest events: %s", error)
        else:
            if self._failing:
                self._failing = False
                _log.info("the events can be read again")


def _not_kept() -> EventsUnavailableError:
    return EventsUnavailableError("events are not kept here: BITRECALL_EVENTS is off")
