"""Answers in one message, over real connections: as those in two, to the byte."""

import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from service.app import create_app
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


def test_an_answer_waits_for_whoever_does_not_read(address: Any) -> None:
    # Many answers are more than the sockets hold: the server pauses, and goes on as they are read.
    with socket.create_connection(address, timeout=20) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        body = b'{"user_id":"17","k":60}'
        head = HEAD.replace(b"length: %d" % len(BODY), b"length: %d" % len(body))
        request, count = head + b"\r\n" + body, 400
        sock.settimeout(None)
        sock.setblocking(True)
        for _ in range(count):
            sock.sendall(request)
        said = b""
        while said.count(b"HTTP/1.1 200 OK") < count or not said.endswith(b"}"):
            more = sock.recv(65_536)
            assert more
            said += more
    assert said.count(b'"source":"codes"') == count
