"""Keeping the recommender up to date with the events."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

from bitrecall.events.errors import EventsError, EventsUnavailableError
from bitrecall.events.event import Appended, Event
from bitrecall.events.position import position_of
from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.release import Release
from bitrecall.service.online.group_commit import EventWriter
from bitrecall.service.online.recent_events import RecentEvents
from bitrecall.service.online.wakeup import Wakeup

if TYPE_CHECKING:
    from bitrecall.events.store import EventStore, Page

# Seconds until a database that did not respond is queried again.
RETRY_SECONDS: Final = 5.0

_log = logging.getLogger(__name__)


class RecommenderHolder(Protocol):
    """Holds the recommender that is served."""

    recommender: Recommender | None


class EventFeed:
    """Stores events, and passes new ones on to the recommender.

    Each worker has its own feed, on its event loop; workers share the database and the wakeup.

    Args:
        store: the event store; None if events are not stored.
        wakeup: is notified whenever a worker on this machine has stored events.
        min_users: minimum users of the release with an event for a new item before it is
            recommended.
        folded_items: maximum items of a user, the newest, that count for the user's code.
        clock: returns the time in seconds.
        max_writing: maximum requests that wait for writes to the database.
    """

    def __init__(
        self,
        store: EventStore | None,
        wakeup: Wakeup,
        min_users: int,
        folded_items: int = 1000,
        clock: Callable[[], float] = time.monotonic,
        max_writing: int = 48,
    ) -> None:
        self._store = store
        self._wakeup = wakeup
        self._min_users = min_users
        self._folded_items = folded_items
        self._clock = clock
        self._writer = None if store is None else EventWriter(store, wakeup.notify, max_writing)
        self._catching_up = asyncio.Lock()
        self._seen_value = -1
        self._retry_at = float("-inf")
        self._failing = False
        self._reported: set[tuple[str, str]] = set()
        self._reported_unusable = False

    async def append(self, events: Sequence[Event]) -> Appended:
        """Store events durably.

        Raises:
            EventsError: events are not stored by this service, or cannot be stored now.
            TooBusyError: too many requests are waiting for the database.
        """
        if self._writer is None:
            raise _not_stored()
        return await self._writer.append(events)

    async def forget(self, user_id: str) -> int:
        """Remove a user's events and return their number.

        Raises:
            EventsError: as ``append``.
            TooBusyError: as ``append``.
        """
        if self._writer is None:
            raise _not_stored()
        return await self._writer.forget(user_id)

    def recommender_of(self, release: Release) -> Recommender:
        """A recommender of a release with the events since. Blocks: not for the event loop."""
        recent = RecentEvents(release, self._min_users)
        if self._store is not None:
            with self._logging_outages():
                self._read_all(release, recent)
        return Recommender(release, recent.new_items(), recent, folded_items=self._folded_items)

    def details_of(self, recommender: Recommender) -> list[str]:
        """Warnings about the events behind the recommendations, in sentences."""
        recent = recommender.recent
        if not isinstance(recent, RecentEvents) or self._store is None:
            return []
        details = []
        if recent.start is None or self._failing:
            details.append(
                "recommendations lack the latest events: the events database does not respond"
            )
        if recent.start is not None and recent.start.reason is not None:
            details.append(recent.start.reason)
        if recent.unusable:
            details.append(f"{recent.unusable:,} events in the database are invalid and ignored")
        return details

    @property
    def is_behind(self) -> bool:
        """Whether ``catch_up`` would query the database without ``force``."""
        return self._store is not None and self._wakeup.value != self._seen_value

    async def catch_up(self, holder: RecommenderHolder, *, force: bool = False) -> None:
        """Read the events that were stored since the last call.

        Does almost no work without new events. If the database does not respond, the recommender
        keeps its events, and the database is not queried again for ``RETRY_SECONDS``.

        Args:
            holder: holds the recommender to update.
            force: query the database even if no worker on this machine has notified the wakeup.
        """
        if self._store is None or not (force or self.is_behind):
            return
        async with self._catching_up:
            value = self._wakeup.value
            if not (force or value != self._seen_value) or self._clock() < self._retry_at:
                return
            recommender = holder.recommender
            if recommender is None or not isinstance(recommender.recent, RecentEvents):
                return
            recent = recommender.recent
            with self._logging_outages():
                if recent.start is None:
                    await asyncio.to_thread(self._begin, recommender.release, recent)
                while True:
                    page = await asyncio.to_thread(self._store.page, recent.last)
                    if _is_another_log(page, recent):
                        _log.warning("the events database was replaced: reading all events again")
                        reread = await asyncio.to_thread(self._reread, recommender)
                        # A release that was loaded meanwhile has read the events itself.
                        if holder.recommender is recommender:
                            holder.recommender = reread
                        break
                    if not page.events:
                        break
                    recent.add(page.events)
                self._log_unusable(recent)
                self._seen_value = value

    async def fold_in_new_items(self, holder: RecommenderHolder) -> None:
        """Make new items searchable, if any were added or removed since the last call."""
        current = holder.recommender
        if current is None or not isinstance(current.recent, RecentEvents):
            return
        if current.recent.has_new_items:
            new = await asyncio.to_thread(current.recent.new_items)
            # A release that was loaded meanwhile has its own new items.
            if holder.recommender is current:
                encoder = current.encoder
                holder.recommender = Recommender(
                    current.release, new, current.recent, encoder, self._folded_items
                )

    async def watch(self, holder: RecommenderHolder, interval: float) -> None:
        """Check for events and new items every ``interval`` seconds, until cancelled."""
        while True:
            await asyncio.sleep(interval)
            try:
                await self.catch_up(holder, force=True)
                await self.fold_in_new_items(holder)
            except Exception:
                # An unexpected error must not end the loop.
                _log.exception("checking for new events failed")

    def close(self) -> None:
        """Close the database and the wakeup."""
        if self._store is not None:
            self._store.close()
        self._wakeup.close()

    def _reread(self, recommender: Recommender) -> Recommender:
        """A recommender of the same release with all events read again.

        Raises:
            EventsError: the database does not respond.
        """
        recent = RecentEvents(recommender.release, self._min_users)
        self._read_all(recommender.release, recent)
        return Recommender(
            recommender.release, recent.new_items(), recent, folded_items=self._folded_items
        )

    def _read_all(self, release: Release, recent: RecentEvents) -> None:
        if self._store is None:
            raise _not_stored()
        self._begin(release, recent)
        while (page := self._store.page(recent.last)).events:
            recent.add(page.events)
        self._log_unusable(recent)

    def _begin(self, release: Release, recent: RecentEvents) -> None:
        """Determine which events come after a release, and warn if that is not known."""
        if self._store is None:
            raise _not_stored()
        start = self._store.start_after(position_of(release.manifest.data))
        if start.reason is not None and (release.id, start.log_id) not in self._reported:
            self._reported.add((release.id, start.log_id))
            _log.warning("release %s: %s", release.id, start.reason)
        recent.begin(start, self._store.hide_events(start.after))

    def _log_unusable(self, recent: RecentEvents) -> None:
        if recent.unusable and not self._reported_unusable:
            self._reported_unusable = True
            _log.warning(
                "%d events in the database are invalid and ignored: the report of the next "
                "retraining lists them",
                recent.unusable,
            )

    @contextmanager
    def _logging_outages(self) -> Iterator[None]:
        """Log once when the database stops responding, and once when it responds again."""
        try:
            yield
        except EventsError as error:
            self._retry_at = self._clock() + RETRY_SECONDS
            level = logging.DEBUG if self._failing else logging.WARNING
            self._failing = True
            _log.log(level, "recommendations lack the latest events: %s", error)
        else:
            if self._failing:
                self._failing = False
                _log.info("the events database responds again")


def _is_another_log(page: Page, recent: RecentEvents) -> bool:
    """Whether the database was replaced, or restored from a backup, since the last page."""
    return recent.start is not None and (
        page.state.log_id != recent.start.log_id or page.state.last < recent.last
    )


def _not_stored() -> EventsUnavailableError:
    return EventsUnavailableError("this service does not store events: BITRECALL_EVENTS is off")
