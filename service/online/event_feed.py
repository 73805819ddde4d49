"""Keeping what answers come from up to date with what users do."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from bitrecall.events.errors import EventsError, EventsUnavailableError
from bitrecall.events.event import Appended, Event
from bitrecall.events.position import position_of
from bitrecall.events.store import EventStore, Page
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.release import Release
from bitrecall.service.online.group_commit import EventWriter
from bitrecall.service.online.recent_events import RecentEvents
from bitrecall.service.online.wakeup import Signal

# Seconds before a database that did not answer is asked again.
RETRY_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


class HoldsRecommender(Protocol):
    """Whatever holds what answers now."""

    recommender: Recommender | None


class EventFeed:
    """Events: taking them in, and having what answers know of them.

    One worker's own, on its event loop; workers share the database and the signal.

    Args:
        store: where events are kept; None where they are not.
        signal: rises whenever a worker of this machine has made events durable.
        least_users: users of the release that a new item needs, before it can be recommended.
        folded_items: how many of a user's newest items count for their code.
        clock: seconds.
        most_writing: requests that may wait for the database to write at a time.
    """

    def __init__(
        self,
        store: EventStore | None,
        signal: Signal,
        min_users: int,
        folded_items: int = 1000,
        clock: Callable[[], float] = time.monotonic,
        most_writing: int = 48,
    ) -> None:
        self._store = store
        self._signal = signal
        self._least_users = min_users
        self._folded_items = folded_items
        self._clock = clock
        self._writer = None if store is None else EventWriter(store, signal.give, most_writing)
        self._catching_up = asyncio.Lock()
        self._seen = -1
        self._retry_at = float("-inf")
        self._failing = False
        self._told: set[tuple[str, str]] = set()
        self._told_unusable = False

    async def append(self, events: Sequence[Event]) -> Appended:
        """Make events durable.

        Raises ``EventsError`` if they are not kept, or cannot be, and ``TooBusyError`` if too many
        requests are waiting for that.
        """
        if self._writer is None:
            raise _not_kept()
        return await self._writer.append(events)

    async def forget(self, user_id: str) -> int:
        """Remove a user's events; how many. Raises as ``append``."""
        if self._writer is None:
            raise _not_kept()
        return await self._writer.forget(user_id)

    def recommender_of(self, release: Release) -> Recommender:
        """A recommender of a release that knows the events since. Not for the event loop."""
        fresh = RecentEvents(release, self._least_users)
        if self._store is not None:
            with self._said():
                self._read_all(release, fresh)
        return Recommender(release, fresh.new_items(), fresh, folded_items=self._folded_items)

    def details_of(self, recommender: Recommender) -> list[str]:
        """What is worth knowing of the events that answers take account of, in sentences."""
        fresh = recommender.fresh
        if not isinstance(fresh, RecentEvents) or self._store is None:
            return []
        details = []
        if fresh.start is None or self._failing:
            details.append("answers do not know of the latest events: their database is away")
        if fresh.start is not None and fresh.start.reason is not None:
            details.append(fresh.start.reason)
        if fresh.unusable:
            details.append(f"{fresh.unusable:,} events in the database cannot be used")
        return details

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
            if recommender is None or not isinstance(recommender.fresh, RecentEvents):
                return
            fresh = recommender.fresh
            with self._said():
                if fresh.start is None:
                    await asyncio.to_thread(self._begin, recommender.release, fresh)
                while True:
                    page = await asyncio.to_thread(self._store.page, fresh.last)
                    if _is_another_log(page, fresh):
                        _log.warning("the database of the events is another one now: read anew")
                        again = await asyncio.to_thread(self._anew, recommender)
                        # Another release may have taken over meanwhile, which has read it.
                        if holder.recommender is recommender:
                            holder.recommender = again
                        break
                    if not page.events:
                        break
                    fresh.take(page.events)
                self._say_unusable(fresh)
                self._seen = value

    async def fold_arrivals_in(self, holder: HoldsRecommender) -> None:
        """Have new items searched, if any have come, or gone, since the last time."""
        before = holder.recommender
        if before is None or not isinstance(before.fresh, RecentEvents):
            return
        if before.fresh.has_arrivals:
            new = await asyncio.to_thread(before.fresh.new_items)
            # Another release may have taken over meanwhile, which has made its own.
            if holder.recommender is before:
                fold_in = before.catalogue.fold_in
                holder.recommender = Recommender(
                    before.release, new, before.fresh, fold_in, self._folded_items
                )

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

    def _anew(self, recommender: Recommender) -> Recommender:
        """The same release with all events read again. Raises ``EventsError``."""
        fresh = RecentEvents(recommender.release, self._least_users)
        self._read_all(recommender.release, fresh)
        return Recommender(
            recommender.release, fresh.new_items(), fresh, folded_items=self._folded_items
        )

    def _read_all(self, release: Release, fresh: RecentEvents) -> None:
        if self._store is None:
            raise _not_kept()
        self._begin(release, fresh)
        while (page := self._store.page(fresh.last)).events:
            fresh.take(page.events)
        self._say_unusable(fresh)

    def _begin(self, release: Release, fresh: RecentEvents) -> None:
        """Find out where to read on after a release, and say so where that is the start."""
        if self._store is None:
            raise _not_kept()
        start = self._store.start_after(position_of(release.manifest.data))
        if start.reason is not None and (release.id, start.log_id) not in self._told:
            self._told.add((release.id, start.log_id))
            _log.warning("release %s: %s", release.id, start.reason)
        fresh.begin(start, self._store.hides(start.after))

    def _say_unusable(self, fresh: RecentEvents) -> None:
        if fresh.unusable and not self._told_unusable:
            self._told_unusable = True
            _log.warning(
                "%d events in the database cannot be used and are left out: the report of the "
                "next night names them",
                fresh.unusable,
            )

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


def _is_another_log(page: Page, fresh: RecentEvents) -> bool:
    """Whether the events so far are not of this database: it was replaced, or put back."""
    return fresh.start is not None and (
        page.state.log_id != fresh.start.log_id or page.state.last < fresh.last
    )


def _not_kept() -> EventsUnavailableError:
    return EventsUnavailableError("events are not kept here: BITRECALL_EVENTS is off")
