"""Requests and answers in one piece, over real connections: as those in messages, to the byte."""

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


def told(address: Any, *parts: bytes, answers: int = 1) -> bytes:
    """What a server says until it has answered so often, or has closed the connection."""
    with socket.create_connection(address, timeout=300) as sock:
        said = b""
        for part in parts:
            sock.sendall(part)
        while said.count(b"HTTP/1.1") < answers or not said.endswith(b"}"):
            more = sock.recv(65_536)
            if not more:
                break
            said += more
        return re.sub(rb"date: [^\r]*", b"date: now", said)


def test_the_fast_path_sends_what_uvicorn_would(
    address: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = told(address, HEAD + b"\r\n" + BODY)
    assert response.startswith(b"HTTP/1.1 200 OK\r\ndate: now\r\n")

    async def send(self: BufferedExchange, message: Any) -> None:
        await self.cycle.send(message)

    monkeypatch.setattr(BufferedExchange, "send", send)
    assert told(address, HEAD + b"\r\n" + BODY) == response


def test_a_connection_that_is_to_be_closed_is_closed(address: Any) -> None:
    with socket.create_connection(address, timeout=300) as sock:
        sock.sendall(HEAD + b"connection: close\r\n\r\n" + BODY)
        said = b""
        while more := sock.recv(65_536):
            said += more
    assert b"\r\nconnection: close\r\n" in said
    assert said.endswith(b"}")


def test_requests_sent_at_once_are_answered_in_their_order(address: Any) -> None:
    other = HEAD.replace(b"one", b"two")
    sent = HEAD + b"\r\n" + BODY + other + b"\r\n" + BODY
    said = told(address, sent * 3, answers=6)
    assert re.findall(rb"x-request-id: (\w+)", said) == [b"one", b"two"] * 3


def test_none_of_many_sent_at_once_is_lost(address: Any) -> None:
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
        while more := sock.recv(2**20):
            parts.append(more)
    assert b"".join(parts).count(b'"source":"codes"') == count


def test_a_body_that_is_still_to_come_is_waited_for(address: Any) -> None:
    head, body = HEAD + b"\r\n", BODY
    whole = told(address, head + body)
    assert told(address, head, body) == told(address, head + body[:5], body[5:]) == whole


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
def test_uvicorn_sends_a_response_that_the_client_cannot_take_now(state: dict[str, bool]) -> None:
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
def test_uvicorn_sends_every_other_kind_of_response(messages: list[Any]) -> None:
    exchange, sent = exchange_with()

    async def respond() -> None:
        for message in messages:
            await exchange.send(message)

    asyncio.run(respond())
    assert sent == messages


def test_a_body_that_has_arrived_is_received_once_and_without_waiting() -> None:
    exchange, _ = exchange_with()
    message = EagerCoroutine(exchange.receive())
    assert message.result == {"type": "http.request", "body": b"{}", "more_body": False}
    assert exchange.cycle.body == b""
    exchange.is_client_done = True
    assert EagerCoroutine(exchange.receive()).result == {"type": "http.disconnect"}


def test_a_request_that_is_rejected_at_its_last_byte_raises_when_it_is_read() -> None:
    exchange, _ = exchange_with()
    exchange.is_rejected = True
    with pytest.raises(TooBusyError):
        asyncio.run(exchange.receive())


def test_an_answered_request_leaves_no_garbage(address: Any) -> None:
    count = 300
    last = HEAD + b"connection: close\r\n\r\n" + BODY
    told(address, HEAD + b"\r\n" + BODY)
    gc.collect()
    gc.disable()
    try:
        told(address, (HEAD + b"\r\n" + BODY) * (count - 1) + last, answers=count)
        assert gc.collect() < count
    finally:
        gc.enable()
