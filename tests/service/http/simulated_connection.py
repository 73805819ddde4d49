"""A connection without sockets, on a clock that the test controls."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from bitrecall.service.http.connection_budget import ConnectionBudget
from bitrecall.service.http.connection_limits import ConnectionLimits
from bitrecall.service.http.limiter import ConcurrencyLimiter
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.http.protocol import HttpProtocol
from bitrecall.service.http.write_coalescing import WriteCoalescer

KEEP_ALIVE_SECONDS = 30
LIMITS = ConnectionLimits(head_seconds=10, body_seconds=20, answer_seconds=40)
REQUEST = b"GET /livez HTTP/1.1\r\nhost: here\r\n\r\n"


class Task:
    """A task whose coroutine never suspends."""

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine

    def add_done_callback(self, callback: Callable[..., object]) -> None:
        """Ignore the callback."""


class Clock:
    """The part of an event loop that a protocol needs, with a simulated time."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Any] = []
        self.tasks: list[Task] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[..., object], *arguments: object) -> None:
        callback(*arguments)

    def call_later(self, delay: float, callback: Callable[[], object]) -> Any:
        timer = SimpleNamespace(at=self.now + delay, callback=callback)

        def cancel() -> None:
            if timer in self.timers:
                self.timers.remove(timer)

        timer.cancel = cancel
        self.timers.append(timer)
        return timer

    def create_task(self, coroutine: Any) -> "Task":
        self.tasks.append(Task(coroutine))
        return self.tasks[-1]

    def run(self) -> None:
        while self.tasks:
            with pytest.raises(StopIteration):
                self.tasks.pop().coroutine.send(None)

    def advance_to(self, time: float) -> None:
        while due := [timer for timer in self.timers if timer.at <= time]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = first.at
            first.callback()
        self.now = time


class Transport:
    """Records what is written, and whether it was closed."""

    def __init__(self) -> None:
        self.written = b""
        self.closed = self.ended = False
        self.unread = 0

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unread

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        assert low == 0

    def pause_reading(self) -> None:
        return None

    def get_extra_info(self, name: str) -> None:
        return None

    def resume_reading(self) -> None:
        return None


class App:
    """An application that responds at once."""

    def __init__(self) -> None:
        self.limiter = ConcurrencyLimiter(10, lambda requests: None)
        self.connection_budget = ConnectionBudget(LIMITS)
        self.batcher = MicroBatcher()
        self.write_coalescer = WriteCoalescer()

    def fast_application_for(self, scope: Any) -> None:
        return None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


def simulated_protocol(clock: Clock, transport: Transport) -> HttpProtocol:
    """Return the protocol of a new connection to an application that responds at once."""
    config = Config(
        App(), interface="asgi3", log_config=None, timeout_keep_alive=KEEP_ALIVE_SECONDS
    )
    config.load()
    config.loaded_app = config.app
    protocol = HttpProtocol(config, ServerState(), {}, _loop=clock)
    protocol.connection_made(transport)  # type: ignore[arg-type]
    return protocol


def receive_data(protocol: HttpProtocol, clock: Clock, data: bytes) -> None:
    """Receive data, and run the tasks that they start."""
    protocol.data_received(data)
    clock.run()


def status(transport: Transport) -> bytes:
    """Return the status of the first response."""
    return transport.written.split(b" ", 2)[1]
