"""Making events durable, many requests' with one commit."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from bitrecall.events.database import PATIENCE
from bitrecall.events.errors import EventsUnavailableError
from bitrecall.events.event import Appended, Event
from bitrecall.events.store import EventStore
from bitrecall.service.errors import TooBusyError

# Events in one transaction at most, as far as requests are not cut in two.
_TOGETHER: Final = 5000


class EventWriter:
    """Appends to a store on a thread, one transaction at a time.

    What comes while one runs waits for the next, so that the disk's time for a commit is shared by
    as many as are waiting.

    A database that is locked or slow holds each request for seconds. So only some may wait, which
    leaves room for requests that need no writing; and few threads are used, which others need.

    Args:
        store: where to.
        appended: called on the event loop after each commit.
        most: requests that may wait at a time.
    """

    def __init__(self, store: EventStore, appended: Callable[[], None], most: int = 48) -> None:
        self._store = store
        self._appended = appended
        self._most = most
        self._count = 0
        self._forgetting = asyncio.Lock()
        self._waiting: list[tuple[Sequence[Event], asyncio.Future[Appended]]] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, events: Sequence[Event]) -> Appended:
        """Append events; once it returns, they are durable.

        Raises ``EventsError``, and ``TooBusyError`` if too many requests are waiting.
        """
        with self._place():
            outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
            self._waiting.append((events, outcome))
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._write_all())
            # The client's going away does not take the events out of the transaction.
            return await asyncio.shield(outcome)

    async def forget(self, user_id: str) -> int:
        """Remove a user's events, one user at a time; how many. Raises as ``append``."""
        with self._place():
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._forgetting.acquire()
            except TimeoutError:
                raise EventsUnavailableError(
                    f"requests to forget users have waited {PATIENCE} seconds for the database"
                ) from None
            try:
                removed = await asyncio.to_thread(self._store.forget, user_id)
            finally:
                self._forgetting.release()
        self._appended()
        return removed

    @contextmanager
    def _place(self) -> Iterator[None]:
        """Count a request that waits. Raises ``TooBusyError``."""
        if self._count >= self._most:
            raise TooBusyError("requests that change events")
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1

    async def _write_all(self) -> None:
        while self._waiting:
            together: list[tuple[Sequence[Event], asyncio.Future[Appended]]] = []
            count = 0
            while self._waiting and (not together or count < _TOGETHER):
                together.append(self._waiting.pop(0))
                count += len(together[-1][0])
            await self._write([events for events, _ in together], [to for _, to in together])

    async def _write(
        self, groups: list[Sequence[Event]], outcomes: list[asyncio.Future[Appended]]
    ) -> None:
        try:
            found = await asyncio.to_thread(self._store.append_all, groups)
        except Exception as error:
            for outcome in outcomes:
                if not outcome.done():
                    outcome.set_exception(error)
                    # Whoever waited may have gone: then nobody will ask what it was.
                    outcome.exception()
        else:
            self._appended()
            for outcome, appended in zip(outcomes, found, strict=True):
                if not outcome.done():
                    outcome.set_result(appended)
