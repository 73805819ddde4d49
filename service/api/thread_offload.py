"""Long work for an answer: on threads, few at a time, and only while the client waits for it."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Final, TypeVar

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from bitrecall.service.errors import TooBusyError

# How many may wait for each of the few at work; further ones are refused.
_WAITING_EACH: Final = 4

Result = TypeVar("Result")

Check = Callable[[], None]
"""To be called now and then by long work; raises ``ClientDisconnect`` once its client has gone."""


def no_check() -> None:
    """The check of work that is too short to be given up."""


class ThreadOffload:
    """Does long work on threads, a few pieces of work at a time.

    A request that waits for its turn costs nothing but its place, and is given up when its client
    goes. Work that has begun is given up the next time that it checks.

    Args:
        at_once: how much work is done at a time; four times as much may wait.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._turns = asyncio.Semaphore(at_once)
        self._requests = 0

    async def run(self, work: Callable[[Check], Result], receive: Receive) -> Result:
        """What ``work`` returns, done on a thread.

        Args:
            work: is given the check that it has to call now and then.
            receive: of a request whose body has been read.

        Raises ``TooBusyError`` when too much is waiting, ``ClientDisconnect`` when the client goes.
        """
        if self._requests >= self._at_once * (1 + _WAITING_EACH):
            raise TooBusyError("requests for many items")
        self._requests += 1
        gone = Event()
        has_begun = False

        def check() -> None:
            if gone.is_set():
                raise ClientDisconnect

        async def in_turn() -> Result:
            nonlocal has_begun
            async with self._turns:
                has_begun = True
                return await asyncio.to_thread(work, check)

        task = asyncio.ensure_future(in_turn())
        # What it ends with when it is given up is nobody's to hear.
        task.add_done_callback(_retrieve)
        watcher = asyncio.ensure_future(_disconnected(receive))
        try:
            await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                gone.set()
                if not has_begun:
                    task.cancel()
                # Until its thread has ended, its turn is taken.
                await asyncio.wait({task})
                raise ClientDisconnect
            return task.result()
        finally:
            self._requests -= 1
            # Also when this request is cancelled, as at the end of the service.
            gone.set()
            watcher.cancel()
            # An error in the task has this frame in its trace, and with it what the work is done
            # with: a release that is no longer served would stay.
            del task, watcher


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _retrieve(task: asyncio.Future[Result]) -> None:
    if not task.cancelled():
        task.exception()
