"""Requests and answers in one piece, over real connections: as those in messages, to the byte."""

import gc
import re
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from bitrecall.service.app import create_app
from bitrecall.service.http.direct_response import BufferedExchange, attach, exchange_of
from bitrecall.service.settings import Settings

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


def test_an_answer_in_one_piece_is_as_one_in_messages(
    address: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = told(address, HEAD + b"\r\n" + BODY)
    assert whole.startswith(b"HTTP/1.1 200 OK\r\ndate: now\r\n")
    monkeypatch.setattr(BufferedExchange, "answer", lambda *given: False)
    assert told(address, HEAD + b"\r\n" + BODY) == whole
    monkeypatch.setattr(BufferedExchange, "body", lambda self: None)
    assert told(address, HEAD + b"\r\n" + BODY) == whole


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


def cycle(**given: Any) -> Any:
    flow = SimpleNamespace(write_paused=given.pop("paused", False))
    message_event = SimpleNamespace(clear=lambda: None)
    one = {"scope": {}, "flow": flow, "disconnected": False, "more_body": False}
    return SimpleNamespace(**{**one, "message_event": message_event, **given})


@pytest.mark.parametrize("given", [{"paused": True}, {"disconnected": True}])
def test_while_a_connection_takes_nothing_nothing_is_answered(given: dict[str, bool]) -> None:
    one = cycle(**given)
    attach(one)
    whole = exchange_of(one.scope)
    assert whole is not None
    assert not whole.answer([(b"content-length", b"2")], b"{}")
    assert not whole.is_answered


def test_a_body_is_had_once_it_is_there_and_once() -> None:
    one = cycle(body=bytearray(b"{}"), more_body=True)
    whole = BufferedExchange(one)
    assert whole.body() is None
    one.more_body = False
    assert whole.body() == b"{}"
    assert one.body == b""


def test_where_nothing_is_offered_there_is_nothing() -> None:
    assert exchange_of({}) is None
    assert exchange_of({"extensions": {"http.response.push": {}}}) is None


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
