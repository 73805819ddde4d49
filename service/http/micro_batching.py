"""Requests that have come at once are answered in a round: what they search is searched as one."""

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

# The first answer of a round waits for the last; from here on more together gain little
# (docs/performance.md).
_MOST: Final = 16

Result = TypeVar("Result")
Turn = tuple[EagerCoroutine[None], Context]


class MicroBatcher:
    """Answers requests a few at a time, each as far as it goes without waiting.

    A scan of the codes drives everything else out of the processor's cache, whoever it is for, and
    to get that back takes longer than the scan; so there is one for all of a round. Nor has a
    request a task, which costs a twentieth of an answer, unless it waits for something else.

    Everything happens on the loop that it is called on.

    Args:
        searching: does a search.
    """

    def __init__(self, searching: SearchFunction = SearchRequest.run) -> None:
        self._searching = searching
        self._waiting: deque[Callable[[], Coroutine[Any, Any, None] | None]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_on = False

    def add(self, begin: Callable[[], Coroutine[Any, Any, None] | None]) -> None:
        """Have a request answered before long.

        Args:
            begin: what answers it; None when it is not to be answered here after all.
        """
        self._waiting.append(begin)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._answer)

    @types.coroutine
    def answered(self, steps: SearchSteps[Result]) -> Generator[SearchRequest, Results, Result]:
        """Take the steps of an answer, with those of others where this is a round."""
        if self._is_on:
            return (yield from steps)
        return run_steps(steps, self._searching)

    def alone(self, steps: SearchSteps[Result]) -> Result:
        """Take the steps of an answer by itself: on any thread."""
        return run_steps(steps, self._searching)

    def _answer(self) -> None:
        begins = [self._waiting.popleft() for _ in range(min(_MOST, len(self._waiting)))]
        loop = asyncio.get_running_loop()
        if self._waiting:
            loop.call_soon(self._answer)
        self._is_on = True
        try:
            turns = [turn for begin in begins if (turn := _begun(begin)) is not None]
            while turns := self._those_that_search(turns, loop):
                results = run_searches([begun.waits_for for begun, _ in turns], self._searching)
                for (begun, context), found in zip(turns, results, strict=True):
                    if isinstance(found, Exception):
                        context.run(begun.throw, found)
                    else:
                        context.run(begun.send, found)
        finally:
            self._is_on = False

    def _those_that_search(self, turns: list[Turn], loop: asyncio.AbstractEventLoop) -> list[Turn]:
        """Those that go on in this round; what waits for anything else goes on as a task."""
        searching = []
        for begun, context in turns:
            if begun.is_over:
                continue
            if isinstance(begun.waits_for, SearchRequest):
                searching.append((begun, context))
                continue
            task = loop.create_task(_rest(begun), context=context)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return searching


def _begun(begin: Callable[[], Coroutine[Any, Any, None] | None]) -> Turn | None:
    coroutine = begin()
    if coroutine is None:
        return None
    # What one leaves in its context is not for the next.
    context = copy_context()
    return context.run(EagerCoroutine, coroutine), context


async def _rest(begun: EagerCoroutine[None]) -> None:
    await begun
