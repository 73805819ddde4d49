"""A coroutine that begins where it is called, and not when the loop comes to it."""

import types
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

Result = TypeVar("Result")


class EagerCoroutine(Generic[Result]):
    """A coroutine that has been run as far as it goes without waiting; await it for the rest.

    Attributes:
        is_over: whether it has nothing left to wait for.
        result: what it gave then.
        waits_for: what it waits for until then, as it was yielded.
    """

    result: Result

    def __init__(self, awaitable: Awaitable[Result]) -> None:
        self.is_over = False
        # ASGI calls what is one no more than awaitable.
        self._coroutine = cast("Coroutine[Any, Any, Result]", awaitable)
        self.waits_for: Any = None
        self.send(None)

    def send(self, given: Any) -> None:
        """Run it further with what it has waited for."""
        try:
            self.waits_for = self._coroutine.send(given)
        except StopIteration as done:
            self.result, self.is_over = done.value, True

    def throw(self, error: BaseException) -> None:
        """Run it further with what has gone wrong."""
        try:
            self.waits_for = self._coroutine.throw(error)
        except StopIteration as done:
            self.result, self.is_over = done.value, True

    def __await__(self) -> Generator[Any, Any, Result]:
        while not self.is_over:
            try:
                given = yield self.waits_for
            except BaseException as error:
                self.throw(error)
            else:
                self.send(given)
        return self.result


@types.coroutine
def switch_to_task() -> Generator[None, None, None]:
    """Suspend once; the event loop then continues the coroutine, inside a task.

    Threads, timeouts and cancellation need a current task, which a coroutine that was started
    eagerly does not have before its first suspension.
    """
    yield
