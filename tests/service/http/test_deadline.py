"""Deadlines of a connection without sockets, on a clock that the test controls."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from bitrecall.service.http.connection import STOPPING_SECONDS
from bitrecall.service.http.connection_budget import ConnectionBudget
from bitrecall.service.http.connection_limits import ConnectionLimits
from bitrecall.service.http.limiter import ConcurrencyLimiter
from bitrecall.service.http.micro_batching import MicroBatcher
from bitrecall.service.http.protocol import HttpProtocol
from bitrecall.service.http.write_coalescing import WriteCoalescer

SECONDS = 30
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

    def fast_path(self, scope: Any) -> None:
        return None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def protocol(clock: Clock, transport: Transport) -> HttpProtocol:
    config = Config(App(), interface="asgi3", log_config=None, timeout_keep_alive=SECONDS)
    config.load()
    config.loaded_app = config.app
    protocol = HttpProtocol(config, ServerState(), {}, _loop=clock)
    protocol.connection_made(transport)  # type: ignore[arg-type]
    return protocol


def receive_data(protocol: HttpProtocol, clock: Clock, data: bytes) -> None:
    protocol.data_received(data)
    clock.run()


def test_closes_an_idle_connection_after_the_timeout(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    assert transport.written.endswith(b"{}")
    clock.advance_to(SECONDS - 1)
    assert not transport.closed
    clock.advance_to(SECONDS)
    assert transport.closed


def test_the_timeout_starts_at_the_last_response_with_one_timer(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for time in (0, 1, 29):
        clock.advance_to(time)
        receive_data(protocol, clock, REQUEST)
        assert len(clock.timers) == 1
    clock.advance_to(29 + SECONDS - 1)
    assert not transport.closed
    clock.advance_to(29 + SECONDS)
    assert transport.closed


def test_a_closed_connection_leaves_no_timer(clock: Clock, protocol: HttpProtocol) -> None:
    receive_data(protocol, clock, REQUEST)
    protocol.connection_lost(None)
    assert clock.timers == []


def test_responds_to_a_request_in_flight_when_the_server_stops(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    protocol.shutdown()
    assert not transport.closed
    first, transport.written = transport.written, b""
    receive_data(protocol, clock, REQUEST)
    assert b"connection: close" not in first
    assert b"connection: close" in transport.written
    assert transport.written.endswith(b"{}")
    assert transport.closed


@pytest.mark.parametrize("requests", [0, 1])
def test_closes_idle_connections_soon_after_the_server_stops(
    clock: Clock, transport: Transport, protocol: HttpProtocol, requests: int
) -> None:
    for _ in range(requests):
        receive_data(protocol, clock, REQUEST)
    protocol.shutdown()
    assert not transport.closed
    clock.advance_to(STOPPING_SECONDS)
    assert transport.closed


def status(transport: Transport) -> bytes:
    return transport.written.split(b" ", 2)[1]


def test_closes_a_silent_connection(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    clock.advance_to(9)
    assert not transport.closed
    clock.advance_to(10)
    assert (transport.closed, transport.written) == (True, b"")


def test_the_first_head_has_a_deadline_from_the_connection_start(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for second in range(10):
        clock.advance_to(second)
        receive_data(protocol, clock, REQUEST[second : second + 1])
        assert not transport.written
    clock.advance_to(10)
    assert (status(transport), transport.ended) == (b"408", True)
    clock.advance_to(20)
    assert transport.closed


def test_a_later_head_has_a_deadline_from_its_first_byte(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    clock.advance_to(25)
    receive_data(protocol, clock, REQUEST[:20])
    clock.advance_to(34)
    receive_data(protocol, clock, REQUEST[20:])
    assert transport.written.count(b"{}") == 2
    receive_data(protocol, clock, REQUEST[:20])
    transport.written = b""
    clock.advance_to(43)
    assert not transport.written
    clock.advance_to(44)
    assert status(transport) == b"408"


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"OPTIONS"])
def test_a_body_that_is_not_read_has_a_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol, method: bytes
) -> None:
    receive_data(protocol, clock, method + b" /livez HTTP/1.1\r\ncontent-length: 3\r\n\r\n")
    for second in range(20):
        clock.advance_to(second)
        assert not transport.written
    clock.advance_to(20)
    assert status(transport) == b"408"


def test_the_rest_of_a_body_has_a_deadline_after_an_early_response(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
    assert transport.written.endswith(b"{}")
    clock.advance_to(19)
    assert not transport.closed
    clock.advance_to(30)
    assert transport.closed


def test_the_body_of_a_rejected_request_has_a_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for number in range(10):
        protocol._limiter.enter(number)
    receive_data(protocol, clock, b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
    assert status(transport) == b"503"
    clock.advance_to(19)
    assert not transport.closed
    clock.advance_to(30)
    assert transport.closed


def test_an_unread_response_has_a_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    protocol.pause_writing()
    transport.unread = 100_000
    clock.advance_to(20)
    # Another request does not reset the deadline.
    protocol.data_received(REQUEST)
    clock.advance_to(39)
    assert not transport.closed
    clock.advance_to(40)
    assert transport.closed
    clock.tasks.pop().coroutine.close()


def test_keeps_a_connection_whose_response_is_read_in_time(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, REQUEST)
    protocol.pause_writing()
    clock.advance_to(20)
    protocol.resume_writing()
    receive_data(protocol, clock, REQUEST)
    clock.advance_to(20 + SECONDS - 1)
    assert not transport.closed


def test_the_last_response_of_a_connection_has_a_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    receive_data(protocol, clock, b"GET /livez HTTP/1.0\r\n\r\n")
    assert transport.closed
    aborted = []
    transport.abort = lambda: aborted.append(clock.now)  # type: ignore[method-assign]
    clock.advance_to(100)
    assert aborted == [40]


def test_a_running_request_has_no_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    protocol.data_received(REQUEST)
    clock.advance_to(1000)
    assert not transport.closed
    clock.run()
    assert transport.written.endswith(b"{}")
