"""Micro-batching: concurrent requests run together, and their searches are merged into one."""

import asyncio
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

from bitrecall.index.recommend.search_steps import (
    SearchFunction,
    SearchRequest,
    SearchSteps,
    run_searches,
    run_steps,
)
from bitrecall.index.search.protocol import Results
from bitrecall.service.http.eager import EagerCoroutine

# The first response of a batch waits for the last, and larger batches gain little
# (docs/performance.md).
MAX_BATCH: Final = 16

Result = TypeVar("Result")
Begin = Callable[[], Coroutine[Any, Any, None] | None]
Running = tuple[EagerCoroutine[None], Context]


class MicroBatcher:
    """Runs the requests that have arrived by the next turn of the event loop as one batch.

    Each request runs eagerly up to its search; the searches of the batch run as one. A scan of the
    codes evicts other data from the CPU cache, and reloading that data takes longer than the scan.
    A request gets a task only if it waits for something other than a search.

    Call all methods except ``run_alone`` on the event loop.

    Args:
        search: runs a search.
    """

    def __init__(self, search: SearchFunction = SearchRequest.run) -> None:
        self._search = search
        self._waiting: deque[Begin] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_running = False

    def add(self, begin: Begin) -> None:
        """Run a request in the next batch.

        Args:
            begin: returns the coroutine that handles the request, or None if the request does not
                run in a batch.
        """
        self._waiting.append(begin)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._run_batch)

    @types.coroutine
    def run(self, steps: SearchSteps[Result]) -> Generator[SearchRequest, Results, Result]:
        """Run steps; within a batch, merge their searches with those of the batch.

        Raises:
            SearchUnavailableError: the search server does not respond, and the steps do not handle
                that.
        """
        if self._is_running:
            return (yield from steps)
        return run_steps(steps, self._search)

    def run_alone(self, steps: SearchSteps[Result]) -> Result:
        """Run steps with separate searches; on any thread."""
        return run_steps(steps, self._search)

    def _run_batch(self) -> None:
        begins = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        loop = asyncio.get_running_loop()
        if self._waiting:
            loop.call_soon(self._run_batch)
        self._is_running = True
        try:
            batch = [running for begin in begins if (running := _start(begin)) is not None]
            while batch := self._searching(batch, loop):
                outcomes = run_searches([request.waits_for for request, _ in batch], self._search)
                for (request, context), outcome in zip(batch, outcomes, strict=True):
                    if isinstance(outcome, Exception):
                        context.run(request.throw, outcome)
                    else:
                        context.run(request.send, outcome)
        finally:
            self._is_running = False

    def _searching(self, batch: list[Running], loop: asyncio.AbstractEventLoop) -> list[Running]:
        """Select the requests that wait for a search; make tasks of those that wait otherwise."""
        searching = []
        for request, context in batch:
            if request.is_done:
                continue
            if isinstance(request.waits_for, SearchRequest):
                searching.append((request, context))
                continue
            task = loop.create_task(_rest(request), context=context)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return searching


def _start(begin: Begin) -> Running | None:
    coroutine = begin()
    if coroutine is None:
        return None
    # Each request has its own context, as in a task.
    context = copy_context()
    return context.run(EagerCoroutine, coroutine), context


async def _rest(request: EagerCoroutine[None]) -> None:
    await request
