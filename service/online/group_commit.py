"""Group commit: the events of concurrent requests are stored with one commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from bitrecall.events.errors import EventsUnavailableError
from bitrecall.events.event import Appended, Event
from bitrecall.events.timeouts import TIMEOUT_S
from bitrecall.service.errors import TooBusyError

if TYPE_CHECKING:
    from bitrecall.events.store import EventStore

# Maximum events per transaction; the events of one request are never split.
_MAX_EVENTS: Final = 5000


class EventWriter:
    """Appends to a store on a thread, one transaction at a time.

    Requests that arrive during a transaction share the next one, and so the time of one commit.

    If the database is locked or slow, each request waits for seconds. The limit on waiting requests
    leaves capacity and threads for requests that do not write.

    Args:
        store: the event store.
        on_commit: called on the event loop after each commit.
        max_waiting: maximum requests that wait.
    """

    def __init__(
        self, store: EventStore, on_commit: Callable[[], None], max_waiting: int = 48
    ) -> None:
        self._store = store
        self._on_commit = on_commit
        self._max_waiting = max_waiting
        self._count = 0
        self._forgetting = asyncio.Lock()
        self._waiting: list[tuple[Sequence[Event], asyncio.Future[Appended]]] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, events: Sequence[Event]) -> Appended:
        """Store events durably.

        Raises:
            EventsError: they cannot be stored.
            TooBusyError: too many requests are waiting.
        """
        with self._waiting_request():
            outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
            self._waiting.append((events, outcome))
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._write_all())
            # If the client disconnects, its events stay in the transaction.
            return await asyncio.shield(outcome)

    async def forget(self, user_id: str) -> int:
        """Remove a user's events, one user at a time, and return their number.

        Raises:
            EventsError: they cannot be removed.
            TooBusyError: too many requests are waiting.
        """
        with self._waiting_request():
            try:
                async with asyncio.timeout(TIMEOUT_S):
                    await self._forgetting.acquire()
            except TimeoutError:
                raise EventsUnavailableError(
                    f"requests to forget users have waited {TIMEOUT_S} seconds for the database"
                ) from None
            try:
                removed = await asyncio.to_thread(self._store.forget, user_id)
            finally:
                self._forgetting.release()
        self._on_commit()
        return removed

    @contextmanager
    def _waiting_request(self) -> Iterator[None]:
        """Count a waiting request.

        Raises:
            TooBusyError: too many requests are waiting.
        """
        if self._count >= self._max_waiting:
            raise TooBusyError("requests that change events")
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    async def _write_all(self) -> None:
        while self._waiting:
            batch: list[tuple[Sequence[Event], asyncio.Future[Appended]]] = []
            count = 0
            while self._waiting and (not batch or count < _MAX_EVENTS):
                batch.append(self._waiting.pop(0))
                count += len(batch[-1][0])
            await self._write([events for events, _ in batch], [outcome for _, outcome in batch])

    async def _write(
        self, groups: list[Sequence[Event]], outcomes: list[asyncio.Future[Appended]]
    ) -> None:
        try:
            results = await asyncio.to_thread(self._store.append_all, groups)
        except Exception as error:
            for outcome in outcomes:
                if not outcome.done():
                    outcome.set_exception(error)
                    # Mark the exception as retrieved: the waiting request may have been cancelled.
                    outcome.exception()
        else:
            self._on_commit()
            for outcome, appended in zip(outcomes, results, strict=True):
                if not outcome.done():
                    outcome.set_result(appended)
