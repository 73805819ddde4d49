"""Idle connections are closed in their time, and no others; on a clock of the test's own."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from service.guards.admission import Load, SheddingProtocol
from service.rounds import Rounds

SECONDS = 30
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
        timer.cancel = lambda: timer in self.timers and self.timers.remove(timer)
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
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str) -> None:
        return None

    def resume_reading(self) -> None:
        return None


class App:
    """Answers at once."""

    def __init__(self) -> None:
        self.load = Load(10, lambda requests: None)
        self.rounds = Rounds()

    def past_framework(self, scope: Any) -> None:
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
def protocol(clock: Clock, transport: Transport) -> SheddingProtocol:
    config = Config(App(), interface="asgi3", log_config=None, timeout_keep_alive=SECONDS)
    config.load()
    config.loaded_app = config.app
    protocol = SheddingProtocol(config, ServerState(), {}, _loop=clock)
    protocol.connection_made(transport)  # type: ignore[arg-type]
    return protocol


def received(protocol: SheddingProtocol, clock: Clock, data: bytes) -> None:
    protocol.data_received(data)
    clock.run()


def test_an_idle_connection_is_closed_in_its_time(
    clock: Clock, transport: Transport, protocol: SheddingProtocol
) -> None:
    received(protocol, clock, REQUEST)
    assert transport.written.endswith(b"{}")
    clock.pass_to(SECONDS - 1)
    assert not transport.closed
    clock.pass_to(SECONDS)
    assert transport.closed


def test_time_counts_from_the_last_answer_and_takes_one_timer(
    clock: Clock, transport: Transport, protocol: SheddingProtocol
) -> None:
    for moment in (0, 1, 29):
        clock.pass_to(moment)
        received(protocol, clock, REQUEST)
        assert len(clock.timers) == 1
    clock.pass_to(29 + SECONDS - 1)
    assert not transport.closed
    clock.pass_to(29 + SECONDS)
    assert transport.closed


def test_while_a_request_comes_the_connection_stays(
    clock: Clock, transport: Transport, protocol: SheddingProtocol
) -> None:
    received(protocol, clock, REQUEST)
    received(protocol, clock, REQUEST[:20])
    clock.pass_to(3 * SECONDS)
    assert not transport.closed
    received(protocol, clock, REQUEST[20:])
    assert transport.written.count(b"{}") == 2
    clock.pass_to(4 * SECONDS)
    assert transport.closed


def test_a_connection_that_is_gone_leaves_no_timer(
    clock: Clock, protocol: SheddingProtocol
) -> None:
    received(protocol, clock, REQUEST)
    protocol.connection_lost(None)
    assert clock.timers == []
