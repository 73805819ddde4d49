"""Running long work on a few threads, as long as its client waits for the response."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Final, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from bitrecall.service.errors import TooBusyError

# Maximum waiting requests per running request; more are rejected.
_WAITING_PER_RUNNING: Final = 4

Result = TypeVar("Result")

Check = Callable[[], None]
"""Long work calls it regularly; raises ``ClientDisconnect`` once the client has disconnected."""


def no_check() -> None:
    """The check for work that is too short to be cancelled."""


class ThreadOffload:
    """Runs long work on threads, a limited number at a time.

    A request that waits for its turn is cancelled when its client disconnects. Work that is running
    is cancelled at its next check.

    Args:
        max_running: maximum running at a time; four times that number may wait.
    """

    def __init__(self, max_running: int) -> None:
        self._max_running = max_running
        self._turns = asyncio.Semaphore(max_running)
        self._requests = 0

    async def run(self, work: Callable[[Check], Result], receive: Receive) -> Result:
        """Run work on a thread and return its result.

        Args:
            work: called with a check that it has to call regularly.
            receive: ASGI ``receive`` of a request whose body has been read.

        Raises:
            TooBusyError: too many requests are waiting.
            ClientDisconnect: the client disconnected.
        """
        if self._requests >= self._max_running * (1 + _WAITING_PER_RUNNING):
            raise TooBusyError("requests for many items")
        self._requests += 1
        is_cancelled = Event()
        has_begun = False

        def check() -> None:
            if is_cancelled.is_set():
                raise ClientDisconnect

        async def run_in_turn() -> Result:
            nonlocal has_begun
            async with self._turns:
                has_begun = True
                return await asyncio.to_thread(work, check)

        task = asyncio.ensure_future(run_in_turn())
        # If the task is cancelled, nothing awaits it: retrieve its exception.
        task.add_done_callback(_retrieve)
        watcher = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                is_cancelled.set()
                if not has_begun:
                    task.cancel()
                # The request keeps its turn until its thread has ended.
                await asyncio.wait({task})
                raise ClientDisconnect
            return task.result()
        finally:
            self._requests -= 1
            # Also needed if this request is cancelled, as when the service stops.
            is_cancelled.set()
            watcher.cancel()
            # An exception in the task refers to this frame, which would keep the work and its
            # release in memory.
            del task, watcher


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _retrieve(task: asyncio.Future[Result]) -> None:
    if not task.cancelled():
        task.exception()
