"""Upgrades, half-closed connections and pipelining, over raw connections."""

import itertools
import json
import socket
import struct
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.http.raw_connection import BODY, LIVE, POST, REQUEST, RawConnection

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("offer", ["h2c", "websocket", "h2c, websocket", "TLS/1.0"])
@pytest.mark.parametrize("piece", [7, 10**6])
def test_ignores_a_protocol_upgrade(
    connect: Callable[[], RawConnection], offer: str, piece: int
) -> None:
    connection = connect()
    head = (
        POST
        + (
            f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {offer}\r\n"
            f"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
            f"Content-Length: {len(BODY)}"
        ).encode()
    )
    request = head + b"\r\n\r\n" + BODY + LIVE
    connection.send(*(request[at : at + piece] for at in range(0, len(request), piece)))
    status, headers, body = connection.response()
    assert (status, "upgrade" in headers) == (200, False)
    assert len(json.loads(body)["items"]) == 3
    assert connection.response()[0] == 200


def test_a_protocol_upgrade_may_also_request_closing(connect: Callable[[], RawConnection]) -> None:
    connection = connect()
    connection.send(LIVE[:-2] + b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n")
    status, headers, _ = connection.response()
    assert (status, headers["connection"]) == (200, "close")
    assert connection.is_closed()


@pytest.mark.parametrize("request_", [LIVE, REQUEST])
def test_responds_to_a_client_that_has_closed_its_sending_side(
    connect: Callable[[], RawConnection], request_: bytes
) -> None:
    connection = connect()
    connection.send(request_)
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.response()[0] == 200
    assert connection.is_closed()


def test_responds_to_all_requests_before_the_sending_side_closed(
    connect: Callable[[], RawConnection],
) -> None:
    connection = connect()
    connection.send(REQUEST * 20 + LIVE)
    connection.socket.shutdown(socket.SHUT_WR)
    assert [connection.response()[0] for _ in range(21)] == [200] * 21
    assert connection.is_closed()


@pytest.mark.parametrize("part", [b"", b"GET /li", REQUEST[:-5]])
def test_closes_if_the_client_stops_within_a_request(
    connect: Callable[[], RawConnection], part: bytes
) -> None:
    connection = connect()
    connection.send(part)
    connection.socket.shutdown(socket.SHUT_WR)
    assert connection.is_closed()


def test_responds_to_a_thousand_pipelined_requests_in_order(
    connect: Callable[[], RawConnection], client: httpx.Client
) -> None:
    connection = connect()
    ids = [f"number-{number}" for number in range(1000)]
    requests = [LIVE[:-2] + f"X-Request-ID: {request_id}\r\n\r\n".encode() for request_id in ids]
    requests[500] = REQUEST[:-24] + b"X-Request-ID: number-500\r\n" + REQUEST[-24:]
    connection.send(b"".join(requests))
    for request_id in ids:
        status, headers, _ = connection.response()
        assert (status, headers["x-request-id"]) == (200, request_id)


def test_survives_a_connection_reset(
    connect: Callable[[], RawConnection], client: httpx.Client
) -> None:
    connection = connect()
    connection.send(REQUEST * 30)
    linger = struct.pack("ii", 1, 0)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()
    assert client.get("/livez").status_code == 200


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_responses_do_not_depend_on_how_the_stream_is_split(
    connect: Callable[[], RawConnection], data: Any
) -> None:
    chunked = (
        POST + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n%s\r\n11\r\n%s\r\n0\r\nt: u\r\n\r\n"
    )
    kinds = {
        "live": LIVE,
        "length": REQUEST,
        "chunked": chunked % (BODY[:5], BODY[5:]),
        "upgrade": LIVE[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "expect": POST + b"Expect: something\r\nContent-Length: 22\r\n\r\n" + BODY,
    }
    names = data.draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=6))
    stream = b"".join(kinds[name] for name in names)
    cuts = data.draw(st.lists(st.integers(1, len(stream) - 1), max_size=6))
    edges = [0, *sorted(set(cuts)), len(stream)]
    connection = connect()
    connection.send(*(stream[a:b] for a, b in itertools.pairwise(edges)))
    for name in names:
        status, _, body = connection.response()
        assert status == 200
        assert (b'"items"' in body) == (name not in ("live", "upgrade"))
    connection.close()
