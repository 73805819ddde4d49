"""Running a coroutine eagerly to its first suspension, without a task."""

import types
from collections.abc import Awaitable, Coroutine, Generator
from typing import Any, Generic, TypeVar, cast

Result = TypeVar("Result")


class EagerCoroutine(Generic[Result]):
    """A coroutine that has run to its first suspension; await it to run the rest.

    Args:
        awaitable: the coroutine. ASGI types coroutines as awaitables only.

    Attributes:
        is_done: whether the coroutine has returned.
        result: its return value.
        waits_for: the value that it yielded at its current suspension.
    """

    result: Result

    def __init__(self, awaitable: Awaitable[Result]) -> None:
        self.is_done = False
        self._coroutine = cast("Coroutine[Any, Any, Result]", awaitable)
        self.waits_for: Any = None
        self.send(None)

    def send(self, value: Any) -> None:
        """Resume it with a value, up to its next suspension."""
        try:
            self.waits_for = self._coroutine.send(value)
        except StopIteration as stop:
            self.result, self.is_done = stop.value, True

    def throw(self, error: BaseException) -> None:
        """Resume it with an exception, up to its next suspension."""
        try:
            self.waits_for = self._coroutine.throw(error)
        except StopIteration as stop:
            self.result, self.is_done = stop.value, True

    def __await__(self) -> Generator[Any, Any, Result]:
        while not self.is_done:
            try:
                value = yield self.waits_for
            except BaseException as error:
                self.throw(error)
            else:
                self.send(value)
        return self.result


@types.coroutine
def switch_to_task() -> Generator[None, None, None]:
    """Suspend once; the event loop then continues the coroutine, inside a task.

    Threads, timeouts and cancellation need a current task, which a coroutine that was started
    eagerly does not have before its first suspension.
    """
    yield
