"""Answers in one message, over real connections: as those in two, to the byte."""

import asyncio
import re
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import Message

from service.app import create_app
from service.guards.whole import WHOLE, offer_whole, takes_whole
from service.settings import Settings

BODY = b'{"user_id":"17","k":3}'
HEAD = b"POST /recommend HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n"
HEAD += b"content-length: %d\r\nx-request-id: one\r\n" % len(BODY)


@pytest.fixture
def address(release: Any, serving: Callable[..., Any]) -> Any:
    app = create_app(Settings(releases=release.path.parent, events="off"))
    with serving(app) as client:
        yield client.base_url.host, client.base_url.port


def told(address: Any, *parts: bytes, answers: int = 1) -> bytes:
    """What a server says until it has answered so often, or has closed the connection."""
    with socket.create_connection(address, timeout=20) as sock:
        said = b""
        for part in parts:
            sock.sendall(part)
        while said.count(b"HTTP/1.1") < answers or not said.endswith(b"}"):
            more = sock.recv(65_536)
            if not more:
                break
            said += more
        return re.sub(rb"date: [^\r]*", b"date: now", said)


def test_one_message_is_as_two(address: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = told(address, HEAD + b"\r\n" + BODY)
    assert whole.startswith(b"HTTP/1.1 200 OK\r\ndate: now\r\n")
    monkeypatch.setattr("service.endpoints.answers.takes_whole", lambda scope: False)
    assert told(address, HEAD + b"\r\n" + BODY) == whole


def test_a_connection_that_is_to_be_closed_is_closed(address: Any) -> None:
    with socket.create_connection(address, timeout=20) as sock:
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
        last = request.replace(b"host: here", b"host: here\r\nconnection: close")
        sock.sendall(request * (count - 1) + last)
        parts = []
        while more := sock.recv(2**20):
            parts.append(more)
    assert b"".join(parts).count(b'"source":"codes"') == count


@pytest.mark.parametrize("given", [{"paused": True}, {"disconnected": True}])
def test_while_a_connection_takes_nothing_uvicorn_waits_or_drops(given: dict[str, bool]) -> None:
    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    cycle: Any = SimpleNamespace(
        scope={},
        send=keep,
        flow=SimpleNamespace(write_paused=given.get("paused", False)),
        disconnected=given.get("disconnected", False),
    )
    send = offer_whole(cycle)
    assert takes_whole(cycle.scope)
    headers = [(b"content-length", b"2")]
    asyncio.run(send({"type": WHOLE, "headers": headers, "body": b"{}"}))
    assert sent == [
        {"type": "http.response.start", "status": 200, "headers": headers},
        {"type": "http.response.body", "body": b"{}", "more_body": False},
    ]
