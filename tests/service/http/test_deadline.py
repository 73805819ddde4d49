"""A connection without sockets, on a clock that a test moves."""

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
    """A coroutine that waits for nothing."""

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine

    def add_done_callback(self, act: Callable[..., object]) -> None:
        """It is never called."""


class Clock:
    """What a protocol needs of a loop, with a time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Any] = []
        self.tasks: list[Task] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, act: Callable[..., object], *given: object) -> None:
        act(*given)

    def call_later(self, delay: float, act: Callable[[], object]) -> Any:
        timer = SimpleNamespace(at=self.now + delay, act=act)

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

    def pass_to(self, moment: float) -> None:
        while due := [timer for timer in self.timers if timer.at <= moment]:
            first = min(due, key=lambda timer: timer.at)
            self.timers.remove(first)
            self.now = first.at
            first.act()
        self.now = moment


class Transport:
    """Remembers what is written, and whether it was closed."""

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
    """Answers at once."""

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


def received(protocol: HttpProtocol, clock: Clock, data: bytes) -> None:
    protocol.data_received(data)
    clock.run()


def test_an_idle_connection_is_closed_in_its_time(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    received(protocol, clock, REQUEST)
    assert transport.written.endswith(b"{}")
    clock.pass_to(SECONDS - 1)
    assert not transport.closed
    clock.pass_to(SECONDS)
    assert transport.closed


def test_time_counts_from_the_last_answer_and_takes_one_timer(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for moment in (0, 1, 29):
        clock.pass_to(moment)
        received(protocol, clock, REQUEST)
        assert len(clock.timers) == 1
    clock.pass_to(29 + SECONDS - 1)
    assert not transport.closed
    clock.pass_to(29 + SECONDS)
    assert transport.closed


def test_a_connection_that_is_gone_leaves_no_timer(clock: Clock, protocol: HttpProtocol) -> None:
    received(protocol, clock, REQUEST)
    protocol.connection_lost(None)
    assert clock.timers == []


def test_a_request_on_its_way_when_the_server_stops_is_answered(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    received(protocol, clock, REQUEST)
    protocol.shutdown()
    assert not transport.closed
    first, transport.written = transport.written, b""
    received(protocol, clock, REQUEST)
    assert b"connection: close" not in first
    assert b"connection: close" in transport.written
    assert transport.written.endswith(b"{}")
    assert transport.closed


@pytest.mark.parametrize("requests", [0, 1])
def test_an_idle_connection_ends_soon_after_the_server_stops(
    clock: Clock, transport: Transport, protocol: HttpProtocol, requests: int
) -> None:
    for _ in range(requests):
        received(protocol, clock, REQUEST)
    protocol.shutdown()
    assert not transport.closed
    clock.pass_to(STOPPING_SECONDS)
    assert transport.closed


def status(transport: Transport) -> bytes:
    return transport.written.split(b" ", 2)[1]


def test_a_connection_that_says_nothing_is_closed(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    clock.pass_to(9)
    assert not transport.closed
    clock.pass_to(10)
    assert (transport.closed, transport.written) == (True, b"")


def test_a_head_has_its_time_from_the_connections_first_moment(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for second in range(10):
        clock.pass_to(second)
        received(protocol, clock, REQUEST[second : second + 1])
        assert not transport.written
    clock.pass_to(10)
    assert (status(transport), transport.ended) == (b"408", True)
    clock.pass_to(20)
    assert transport.closed


def test_the_head_of_a_later_request_has_its_time_from_its_first_byte(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    received(protocol, clock, REQUEST)
    clock.pass_to(25)
    received(protocol, clock, REQUEST[:20])
    clock.pass_to(34)
    received(protocol, clock, REQUEST[20:])
    assert transport.written.count(b"{}") == 2
    received(protocol, clock, REQUEST[:20])
    transport.written = b""
    clock.pass_to(43)
    assert not transport.written
    clock.pass_to(44)
    assert status(transport) == b"408"


@pytest.mark.parametrize("method", [b"GET", b"DELETE", b"OPTIONS"])
def test_a_body_that_nobody_reads_has_its_time(
    clock: Clock, transport: Transport, protocol: HttpProtocol, method: bytes
) -> None:
    received(protocol, clock, method + b" /livez HTTP/1.1\r\ncontent-length: 3\r\n\r\n")
    for second in range(20):
        clock.pass_to(second)
        assert not transport.written
    clock.pass_to(20)
    assert status(transport) == b"408"


def test_the_rest_of_a_body_that_was_answered_early_has_its_time(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    received(protocol, clock, b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
    assert transport.written.endswith(b"{}")
    clock.pass_to(19)
    assert not transport.closed
    clock.pass_to(30)
    assert transport.closed


def test_the_body_of_a_request_that_was_turned_away_has_its_time(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    for number in range(10):
        protocol._limiter.enter(number)
    received(protocol, clock, b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n{")
    assert status(transport) == b"503"
    clock.pass_to(19)
    assert not transport.closed
    clock.pass_to(30)
    assert transport.closed


def test_an_answer_that_is_not_taken_has_its_time(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    received(protocol, clock, REQUEST)
    protocol.pause_writing()
    transport.unread = 100_000
    clock.pass_to(20)
    # Asking again does not help.
    protocol.data_received(REQUEST)
    clock.pass_to(39)
    assert not transport.closed
    clock.pass_to(40)
    assert transport.closed
    clock.tasks.pop().coroutine.close()


def test_an_answer_that_is_taken_in_time_is_no_reason_to_close(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    received(protocol, clock, REQUEST)
    protocol.pause_writing()
    clock.pass_to(20)
    protocol.resume_writing()
    received(protocol, clock, REQUEST)
    clock.pass_to(20 + SECONDS - 1)
    assert not transport.closed


def test_the_last_answer_of_a_connection_has_its_time_to_be_taken(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    received(protocol, clock, b"GET /livez HTTP/1.0\r\n\r\n")
    assert transport.closed
    aborted = []
    transport.abort = lambda: aborted.append(clock.now)  # type: ignore[method-assign]
    clock.pass_to(100)
    assert aborted == [40]


def test_a_request_that_is_being_answered_has_no_deadline(
    clock: Clock, transport: Transport, protocol: HttpProtocol
) -> None:
    protocol.data_received(REQUEST)
    clock.pass_to(1000)
    assert not transport.closed
    clock.run()
    assert transport.written.endswith(b"{}")
