"""The replacements of ``http_parts``: each stands in for one part of the HTTP layer."""

import asyncio
from collections.abc import Callable
from secrets import token_hex
from typing import Any

from bitrecall.service.app import Service
from bitrecall.service.http import body, connection, micro_batching
from bitrecall.service.http.direct_response import BufferedExchange
from bitrecall.service.http.eager import EagerCoroutine
from bitrecall.service.observability.metrics import Metrics
from bitrecall.service.observability.request_ids import RequestId

COMPLETE, AGAIN = "complete", "complete, again"

# Object, attribute and the value that replaces it.
Replacement = tuple[object, str, Any]


class LoopTimer:
    """A new timer of the event loop for each deadline, in place of ``Deadline``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
        self._loop, self._callback = loop, callback
        self._timer: asyncio.TimerHandle | None = None

    def after(self, seconds: float) -> None:
        """Set the timer."""
        self.clear()
        self._timer = self._loop.call_later(seconds, self._callback)

    def clear(self) -> None:
        """Cancel the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    cancel = clear


class BodyTimer(EagerCoroutine[Any]):
    """Set a timer while the body is read, even if it has arrived completely."""

    def __init__(self, awaitable: Any) -> None:
        timer = asyncio.get_running_loop().call_later(10, print)
        super().__init__(awaitable)
        timer.cancel()


def add_task(batcher: Any, start: Callable[[], Any]) -> None:
    """Start a task for a request, in place of ``MicroBatcher.add``."""
    if (coroutine := start()) is not None:
        task = asyncio.get_running_loop().create_task(coroutine)
        batcher._tasks.add(task)
        task.add_done_callback(batcher._tasks.discard)


async def uvicorn_send(exchange: BufferedExchange, message: Any) -> None:
    """Send a message as uvicorn does, in place of ``BufferedExchange.send``."""
    await exchange.cycle.send(message)


async def uvicorn_receive(exchange: BufferedExchange) -> Any:
    """Receive a message as uvicorn does, in place of ``BufferedExchange.receive``."""
    return await exchange.cycle.receive()


def connection_made(self: Any, transport: Any) -> None:
    """Open a connection that writes to its transport directly."""
    _connection_made(self, transport)
    self.transport = transport


_connection_made = connection.LimitedConnection.connection_made


def random_id(scope: Any, generated: object) -> RequestId:
    """A random id, in place of ``RequestId.of``."""
    for name, _ in scope["headers"]:
        if name == b"x-request-id":
            break
    return RequestId(token_hex(16))


def count_now(metrics: Any, method: str, path: str, status: int, seconds: float) -> None:
    """Count a request at once, in place of ``Metrics.count_request``."""
    metrics._requests.labels(method, path, str(status)).inc()
    metrics._latency.labels(path).observe(seconds)
    metrics.flush()


def replacements_by_part(app: Service) -> dict[str, list[Replacement]]:
    """Return the replacements for each part that can be left out."""
    return {
        COMPLETE: [],
        AGAIN: [],
        "one search per batch": [(micro_batching, "MAX_BATCH", 1)],
        "eager start in a batch": [(micro_batching.MicroBatcher, "add", add_task)],
        "fast path": [(app, "fast_application_for", lambda scope: None)],
        "response in one write": [(BufferedExchange, "send", uvicorn_send)],
        "body without waiting": [(BufferedExchange, "receive", uvicorn_receive)],
        "no timer for a body that has arrived": [(body, "EagerCoroutine", BodyTimer)],
        "write coalescing": [(connection.LimitedConnection, "connection_made", connection_made)],
        "deadlines": [(connection, "Deadline", LoopTimer)],
        "generated request ids": [(RequestId, "of", random_id)],
        "buffered metrics": [(Metrics, "count_request", count_now)],
    }
