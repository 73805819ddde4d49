"""Responses in one write, over real connections: equal to uvicorn's to the byte."""

import asyncio
import gc
import re
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bitrecall.service.app import create_app
from bitrecall.service.errors import TooBusyError
from bitrecall.service.http.direct_response import BufferedExchange
from bitrecall.service.http.eager import EagerCoroutine
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

BODY = b'{"user_id":"17","k":3}'
HEAD = b"POST /recommend HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
HEAD += b"content-length: %d\r\nx-request-id: one\r\n" % len(BODY)


@pytest.fixture
def address(release: Any, serving: Callable[..., Any]) -> Any:
    app = create_app(Settings(releases=release.path.parent, events="off"))
    with serving(app) as client:
        yield client.base_url.host, client.base_url.port


def exchange_bytes(address: Any, *parts: bytes, responses: int = 1) -> bytes:
    """The bytes from the server until it has sent ``responses`` responses, or has closed."""
    with socket.create_connection(address, timeout=300) as sock:
        received = b""
        for part in parts:
            sock.sendall(part)
        while received.count(b"HTTP/1.1") < responses or not received.endswith(b"}"):
            data = sock.recv(65_536)
            if not data:
                break
            received += data
        return re.sub(rb"date: [^\r]*", b"date: now", received)


def test_the_fast_path_sends_the_same_bytes_as_uvicorn(
    address: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = exchange_bytes(address, HEAD + b"\r\n" + BODY)
    assert response.startswith(b"HTTP/1.1 200 OK\r\ndate: now\r\n")

    async def send(self: BufferedExchange, message: Any) -> None:
        await self.cycle.send(message)

    monkeypatch.setattr(BufferedExchange, "send", send)
    assert exchange_bytes(address, HEAD + b"\r\n" + BODY) == response


def test_closes_a_connection_on_request(address: Any) -> None:
    with socket.create_connection(address, timeout=300) as sock:
        sock.sendall(HEAD + b"connection: close\r\n\r\n" + BODY)
        received = b""
        while data := sock.recv(65_536):
            received += data
    assert b"\r\nconnection: close\r\n" in received
    assert received.endswith(b"}")


def test_responds_to_pipelined_requests_in_order(address: Any) -> None:
    other = HEAD.replace(b"one", b"two")
    pipelined = HEAD + b"\r\n" + BODY + other + b"\r\n" + BODY
    received = exchange_bytes(address, pipelined * 3, responses=6)
    assert re.findall(rb"x-request-id: (\w+)", received) == [b"one", b"two"] * 3


def test_loses_none_of_many_pipelined_requests(address: Any) -> None:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**18)
        sock.settimeout(60)
        sock.connect(address)
        body = b'{"user_id":"17","k":60}'
        head = HEAD.replace(b"length: %d" % len(BODY), b"length: %d" % len(body))
        request, count = head + b"\r\n" + body, 2500
        last = request.replace(b"host: localhost", b"host: localhost\r\nconnection: close")
        sock.sendall(request * (count - 1) + last)
        parts = []
        while data := sock.recv(2**20):
            parts.append(data)
    assert b"".join(parts).count(b'"source":"codes"') == count


def test_waits_for_a_body(address: Any) -> None:
    head, body = HEAD + b"\r\n", BODY
    at_once = exchange_bytes(address, head + body)
    assert (
        exchange_bytes(address, head, body)
        == exchange_bytes(address, head + body[:5], body[5:])
        == at_once
    )


def exchange_with(**state: Any) -> tuple[BufferedExchange, list[Any]]:
    """An exchange over a stub of uvicorn's cycle, and the messages that reach the cycle."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    flow = SimpleNamespace(write_paused=state.pop("paused", False))
    event = SimpleNamespace(clear=lambda: None)
    fields = {"disconnected": False, "more_body": False, "waiting_for_100_continue": False}
    fields |= {"flow": flow, "message_event": event, "send": send, "body": bytearray(b"{}")}
    return BufferedExchange(SimpleNamespace(**{**fields, **state})), sent  # type: ignore[arg-type]


START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
CONTENT = {"type": "http.response.body", "body": b"{}"}


@pytest.mark.parametrize("state", [{"paused": True}, {"disconnected": True}])
def test_uvicorn_sends_a_response_to_a_slow_or_disconnected_client(state: dict[str, bool]) -> None:
    exchange, sent = exchange_with(**state)

    async def respond() -> None:
        await exchange.send(START)
        await exchange.send(CONTENT)

    asyncio.run(respond())
    assert sent == [START, CONTENT]


@pytest.mark.parametrize(
    "messages",
    [
        [{**START, "status": 404}, CONTENT],
        [START, {**CONTENT, "more_body": True}, CONTENT],
    ],
)
def test_uvicorn_sends_other_responses(messages: list[Any]) -> None:
    exchange, sent = exchange_with()

    async def respond() -> None:
        for message in messages:
            await exchange.send(message)

    asyncio.run(respond())
    assert sent == messages


def test_receives_an_arrived_body_once_without_waiting() -> None:
    exchange, _ = exchange_with()
    message = EagerCoroutine(exchange.receive())
    assert message.result == {"type": "http.request", "body": b"{}", "more_body": False}
    assert exchange.cycle.body == b""
    exchange.is_client_done = True
    assert EagerCoroutine(exchange.receive()).result == {"type": "http.disconnect"}


def test_reading_a_rejected_request_raises() -> None:
    exchange, _ = exchange_with()
    exchange.is_rejected = True
    with pytest.raises(TooBusyError):
        asyncio.run(exchange.receive())


def test_a_completed_request_leaves_no_garbage(address: Any) -> None:
    count = 300
    last = HEAD + b"connection: close\r\n\r\n" + BODY
    exchange_bytes(address, HEAD + b"\r\n" + BODY)
    gc.collect()
    gc.disable()
    try:
        exchange_bytes(address, (HEAD + b"\r\n" + BODY) * (count - 1) + last, responses=count)
        assert gc.collect() < count
    finally:
        gc.enable()
