"""Raw connections: endless requests, malformed requests and pipelining."""

import contextlib
import itertools
import json
import selectors
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.slow

BODY = b'{"user_id":"17","k":3}'
POST = b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
WHOLE = POST + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
PATIENCE = 20


class Conversation:
    """A raw connection to the service."""

    def __init__(self, client: httpx.Client) -> None:
        address = (client.base_url.host, client.base_url.port)
        self.socket = socket.create_connection(address, timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self.socket.makefile("rb")

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def response(self, *, head_only: bool = False) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next response; status 0 if the connection was closed."""
        line = self._file.readline()
        if not line:
            return 0, {}, b""
        headers = {}
        while (header := self._file.readline()) not in (b"\r\n", b""):
            name, _, value = header.decode().partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if head_only else int(headers.get("content-length", 0))
        return int(line.split()[1]), headers, self._file.read(length)

    def is_closed(self) -> bool:
        """Whether the service closes the connection without more data."""
        try:
            return self._file.read() == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._file.close()
        self.socket.close()


@pytest.fixture
def talk(client: httpx.Client) -> Iterator[Callable[[], Conversation]]:
    """Opens connections to a service with default settings."""
    with contextlib.ExitStack() as stack:

        def start() -> Conversation:
            return stack.enter_context(contextlib.closing(Conversation(client)))

        yield start


def flood(
    conversation: Conversation, start: bytes, repeated: bytes, limit: int = 8 * 2**20
) -> None:
    """Send until the service closes the connection or ``limit`` bytes are sent."""
    with contextlib.suppress(ConnectionError):
        conversation.send(start)
        for _ in range(limit // (len(repeated) * 100)):
            conversation.send(repeated * 100)


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
    talk: Callable[[], Conversation], start: bytes, repeated: bytes, status: int
) -> None:
    conversation = talk()
    flood(conversation, start, repeated)
    received_status, headers, body = conversation.response()
    assert (received_status, headers["connection"]) == (status, "close")
    assert json.loads(body)["status"] == status
    assert conversation.is_closed()


@pytest.mark.parametrize(
    ("size", "status"), [(65_000, 200), (65_600, 431), (100_000, 431), (200_000, 431)]
)
@pytest.mark.parametrize("piece", [1000, 10**6])
def test_rejects_a_head_over_the_limit_in_any_pieces(
    talk: Callable[[], Conversation], size: int, status: int, piece: int
) -> None:
    conversation = talk()
    head = b"GET /livez HTTP/1.1\r\nHost: localhost\r\na: " + b"b" * (size - 48) + b"\r\n\r\n"
    conversation.send(*(head[at : at + piece] for at in range(0, len(head), piece)))
    assert conversation.response()[0] == status


@pytest.mark.parametrize(("count", "status"), [(100, 200), (101, 431)])
def test_limits_the_number_of_headers(
    talk: Callable[[], Conversation], count: int, status: int
) -> None:
    conversation = talk()
    conversation.send(b"GET /livez HTTP/1.1\r\n" + b"a: b\r\n" * count + b"\r\n")
    assert conversation.response()[0] == status


def test_limits_the_memory_of_incomplete_requests(serve: Callable[..., httpx.Client]) -> None:
    client = serve(max_buffered_bytes=2**20)
    part = POST + b"Content-Length: 900000\r\n\r\n" + b" " * 700_000
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(contextlib.closing(Conversation(client))) for _ in range(2)
        ]
        for connection in connections:
            with contextlib.suppress(ConnectionError):
                connection.send(part)
        with selectors.DefaultSelector() as selector:
            for connection in connections:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
            rejected = selector.select(PATIENCE)[0][0].data
        status, headers, body = rejected.response()
        assert (status, headers["retry-after"], headers["connection"]) == (503, "1", "close")
        assert json.loads(body)["type"] == "/problems/too-busy"
        # The other connection is within the limit again.
        other = next(connection for connection in connections if connection is not rejected)
        other.send(b" " * 200_000)
        assert other.response()[0] == 400


def test_trailers_do_not_become_headers(serve: Callable[..., httpx.Client]) -> None:
    conversation = Conversation(serve())
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    conversation.send(head + b"%x\r\n%s\r\n0\r\nX-Request-ID: sneaked\r\n\r\n" % (len(BODY), BODY))
    status, headers, _ = conversation.response()
    assert status == 503
    assert headers["x-request-id"] != "sneaked"
    conversation.close()


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
    talk: Callable[[], Conversation], data: bytes
) -> None:
    conversation = talk()
    conversation.send(data + LIVE)
    status, headers, body = conversation.response()
    assert (status, headers["connection"]) == (400, "close")
    assert json.loads(body)["type"] == "/problems/malformed-http"
    assert conversation.is_closed()


@pytest.mark.parametrize("offer", ["h2c", "websocket", "h2c, websocket", "TLS/1.0"])
@pytest.mark.parametrize("piece", [7, 10**6])
def test_ignores_a_protocol_upgrade(
    talk: Callable[[], Conversation], offer: str, piece: int
) -> None:
    conversation = talk()
    head = (
        POST
        + (
            f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {offer}\r\n"
            f"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
            f"Content-Length: {len(BODY)}"
        ).encode()
    )
    request = head + b"\r\n\r\n" + BODY + LIVE
    conversation.send(*(request[at : at + piece] for at in range(0, len(request), piece)))
    status, headers, body = conversation.response()
    assert (status, "upgrade" in headers) == (200, False)
    assert len(json.loads(body)["items"]) == 3
    assert conversation.response()[0] == 200


def test_a_protocol_upgrade_may_also_request_closing(talk: Callable[[], Conversation]) -> None:
    conversation = talk()
    conversation.send(LIVE[:-2] + b"Connection: close, Upgrade\r\nUpgrade: h2c\r\n\r\n")
    status, headers, _ = conversation.response()
    assert (status, headers["connection"]) == (200, "close")
    assert conversation.is_closed()


@pytest.mark.parametrize("request_", [LIVE, WHOLE])
def test_responds_to_a_client_that_has_closed_its_sending_side(
    talk: Callable[[], Conversation], request_: bytes
) -> None:
    conversation = talk()
    conversation.send(request_)
    conversation.socket.shutdown(socket.SHUT_WR)
    assert conversation.response()[0] == 200
    assert conversation.is_closed()


def test_responds_to_all_requests_before_the_sending_side_closed(
    talk: Callable[[], Conversation],
) -> None:
    conversation = talk()
    conversation.send(WHOLE * 20 + LIVE)
    conversation.socket.shutdown(socket.SHUT_WR)
    assert [conversation.response()[0] for _ in range(21)] == [200] * 21
    assert conversation.is_closed()


@pytest.mark.parametrize("part", [b"", b"GET /li", WHOLE[:-5]])
def test_closes_if_the_client_stops_within_a_request(
    talk: Callable[[], Conversation], part: bytes
) -> None:
    conversation = talk()
    conversation.send(part)
    conversation.socket.shutdown(socket.SHUT_WR)
    assert conversation.is_closed()


def test_responds_to_a_thousand_pipelined_requests_in_order(
    talk: Callable[[], Conversation], client: httpx.Client
) -> None:
    conversation = talk()
    ids = [f"number-{number}" for number in range(1000)]
    requests = [LIVE[:-2] + f"X-Request-ID: {request_id}\r\n\r\n".encode() for request_id in ids]
    requests[500] = WHOLE[:-24] + b"X-Request-ID: number-500\r\n" + WHOLE[-24:]
    conversation.send(b"".join(requests))
    for request_id in ids:
        status, headers, _ = conversation.response()
        assert (status, headers["x-request-id"]) == (200, request_id)


def test_survives_a_connection_reset(
    talk: Callable[[], Conversation], client: httpx.Client
) -> None:
    conversation = talk()
    conversation.send(WHOLE * 30)
    linger = struct.pack("ii", 1, 0)
    conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    conversation.close()
    assert client.get("/livez").status_code == 200


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_responses_do_not_depend_on_how_the_stream_is_split(
    talk: Callable[[], Conversation], data: Any
) -> None:
    chunked = (
        POST + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\n%s\r\n11\r\n%s\r\n0\r\nt: u\r\n\r\n"
    )
    kinds = {
        "live": LIVE,
        "length": WHOLE,
        "chunked": chunked % (BODY[:5], BODY[5:]),
        "upgrade": LIVE[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "expect": POST + b"Expect: something\r\nContent-Length: 22\r\n\r\n" + BODY,
    }
    names = data.draw(st.lists(st.sampled_from(sorted(kinds)), min_size=1, max_size=6))
    stream = b"".join(kinds[name] for name in names)
    cuts = data.draw(st.lists(st.integers(1, len(stream) - 1), max_size=6))
    edges = [0, *sorted(set(cuts)), len(stream)]
    conversation = talk()
    conversation.send(*(stream[a:b] for a, b in itertools.pairwise(edges)))
    for name in names:
        status, _, body = conversation.response()
        assert status == 200
        assert (b'"items"' in body) == (name not in ("live", "upgrade"))
    conversation.close()
