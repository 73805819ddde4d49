"""Endless and malformed requests, over raw connections."""

import contextlib
import json
import selectors
from collections.abc import Callable

import httpx
import pytest

from tests.service.http.raw_connection import BODY, LIVE, POST, TIMEOUT, RawConnection

pytestmark = pytest.mark.slow


def flood(connection: RawConnection, start: bytes, repeated: bytes, limit: int = 8 * 2**20) -> None:
    """Send until the service closes the connection or ``limit`` bytes are sent."""
    with contextlib.suppress(ConnectionError):
        connection.send(start)
        for _ in range(limit // (len(repeated) * 100)):
            connection.send(repeated * 100)


@pytest.mark.parametrize(
    ("start", "repeated", "status"),
    [
        pytest.param(b"GET /", b"a" * 100, 414, id="URL"),
        pytest.param(b"GET /?", b"a=b&" * 25, 414, id="query"),
        pytest.param(b"GET / HTTP/1.1\r\na: ", b"a" * 100, 431, id="value of a header"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"a" * 100, 431, id="name of a header"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"a:" + b"b" * 996 + b"\r\n", 431, id="long headers"),
        pytest.param(b"GET / HTTP/1.1\r\n", b"a: b\r\n", 431, id="headers"),
        pytest.param(b"", b"\r\n" * 50, 431, id="empty lines"),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n\r\n1;", b"a" * 100, 431, id="chunk extension"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 431, id="tiny chunks"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n",
            b"a: " + b"b" * 997 + b"\r\n",
            431,
            id="trailers",
        ),
        pytest.param(
            b"GET /livez HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n",
            b"a" * 100,
            413,
            id="body that is not read",
        ),
    ],
)
def test_rejects_endless_requests(
    connect: Callable[[], RawConnection], start: bytes, repeated: bytes, status: int
) -> None:
    connection = connect()
    flood(connection, start, repeated)
    received_status, headers, body = connection.response()
    assert (received_status, headers["connection"]) == (status, "close")
    assert json.loads(body)["status"] == status
    assert connection.is_closed()


@pytest.mark.parametrize(
    ("size", "status"), [(65_000, 200), (65_600, 431), (100_000, 431), (200_000, 431)]
)
@pytest.mark.parametrize("piece", [1000, 10**6])
def test_rejects_a_head_over_the_limit_in_any_pieces(
    connect: Callable[[], RawConnection], size: int, status: int, piece: int
) -> None:
    connection = connect()
    head = b"GET /livez HTTP/1.1\r\nHost: localhost\r\na: " + b"b" * (size - 48) + b"\r\n\r\n"
    connection.send(*(head[at : at + piece] for at in range(0, len(head), piece)))
    assert connection.response()[0] == status


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 431)])
def test_limits_the_number_of_headers(
    connect: Callable[[], RawConnection], count: int, status: int
) -> None:
    connection = connect()
    connection.send(b"GET /livez HTTP/1.1\r\n" + b"a: b\r\n" * count + b"\r\n")
    assert connection.response()[0] == status


def test_limits_the_memory_of_incomplete_requests(serve: Callable[..., httpx.Client]) -> None:
    client = serve(max_buffered_bytes=2**20)
    part = POST + b"Content-Length: 900000\r\n\r\n" + b" " * 700_000
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(contextlib.closing(RawConnection(client))) for _ in range(2)
        ]
        for connection in connections:
            with contextlib.suppress(ConnectionError):
                connection.send(part)
        with selectors.DefaultSelector() as selector:
            for connection in connections:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            rejected = selector.select(TIMEOUT)[0][0].data
        status, headers, body = rejected.response()
        assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
        assert json.loads(body)["type"] == "/problems/too-busy"
        # The other connection is within the limit again.
        other = next(connection for connection in connections if connection is not rejected)
        other.send(b" " * 200_000)
        assert other.response()[0] == 400


def test_trailers_do_not_become_headers(serve: Callable[..., httpx.Client]) -> None:
    connection = RawConnection(serve())
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    connection.send(head + b"%x\r\n%s\r\n0\r\nX-Request-ID: sneaked\r\n\r\n" % (len(BODY), BODY))
    status, headers, _ = connection.response()
    assert status == 503
    assert headers["x-request-id"] != "sneaked"
    connection.close()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300), id="TLS"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), id="HTTP/2"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="SSH"),
        pytest.param(b"CONNECT there:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", id="CONNECT"),
        pytest.param(b"GET /livez HTTP/9.9\r\n\r\n", id="version"),
        pytest.param(LIVE[:-2] + b"a: b\r\n c\r\n\r\n", id="folded header"),
        pytest.param(LIVE[:-2] + b"a: b\x00c\r\n\r\n", id="NUL in a header"),
        pytest.param(LIVE[:-2] + b"a\x00: b\r\n\r\n", id="NUL in a name"),
        pytest.param(LIVE[:-2] + b"a : b\r\n\r\n", id="space before the colon"),
        pytest.param(LIVE[:-2] + b"a: b\rc: d\r\n\r\n", id="bare CR"),
        pytest.param(
            POST + b"Content-Length: 22\r\nContent-Length: 21\r\n\r\n" + BODY, id="lengths"
        ),
        pytest.param(POST + b"Content-Length: 22, 21\r\n\r\n" + BODY, id="list of lengths"),
        pytest.param(POST + b"Content-Length: -1\r\n\r\n" + BODY, id="negative length"),
        pytest.param(POST + b"Content-Length: +22\r\n\r\n" + BODY, id="signed length"),
        pytest.param(POST + b"Content-Length: 0x16\r\n\r\n" + BODY, id="hexadecimal length"),
        pytest.param(POST + b"Content-Length: %d\r\n\r\n" % 10**30 + BODY, id="huge length"),
        pytest.param(
            POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="both"
        ),
        pytest.param(
            POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", id="both, 2"
        ),
        pytest.param(POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", id="coding"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", id="chunk"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", id="negative chunk"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", id="no chunk"),
        pytest.param(POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", id="long chunk"),
    ],
)
def test_rejects_malformed_http_once_and_closes(
    connect: Callable[[], RawConnection], data: bytes
) -> None:
    connection = connect()
    connection.send(data + LIVE)
    status, headers, body = connection.response()
    assert (status, headers["connection"]) == (400, "close")
    assert json.loads(body)["type"] == "/problems/malformed-http"
    assert connection.is_closed()
