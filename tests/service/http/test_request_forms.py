"""The limit of concurrent requests applies to each form of a request."""

import socket
from typing import Any

import httpx
import pytest

from tests.service.http.running_requests import LIMIT, RunningRequests, SlowEndpoint

pytestmark = pytest.mark.slow


BODY = b'{"user_id":"17"}'
JSON = b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LIVE = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


def statuses_of(client: httpx.Client, *parts: bytes, count: int = 1) -> list[int]:
    """The statuses of the final responses to data that is sent in parts."""
    responses = []
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=300) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = connection.makefile("rb")
        for part in parts:
            connection.sendall(part)
        while len(responses) < count:
            status = int(file.readline().split()[1])
            length = 0
            while (header := file.readline().lower()) != b"\r\n":
                if header.startswith(b"content-length:"):
                    length = int(header.split()[1])
            file.read(length)
            if status >= 200:
                responses.append(status)
        file.close()
    return responses


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([JSON + CHUNKED + b"\r\n" + IN_CHUNKS], [503], id="chunked"),
        pytest.param([JSON + CHUNKED + b"\r\n", IN_CHUNKS[:9], IN_CHUNKS[9:]], [503], id="late"),
        pytest.param([JSON + LENGTH + b"Expect: x\r\n\r\n" + BODY], [503], id="any expectation"),
        pytest.param([JSON + LENGTH + b"Expect: 100-continue\r\n\r\n", BODY], [503], id="expect"),
        pytest.param([LIVE + JSON + LENGTH + b"\r\n" + BODY], [200, 503], id="behind a probe"),
        pytest.param(
            [(LIVE + JSON + LENGTH + b"\r\n" + BODY) * 2], [200, 503] * 2, id="both twice"
        ),
        pytest.param([JSON, LENGTH + b"\r\n", BODY], [503], id="head in parts"),
        pytest.param(
            [JSON + LENGTH + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + BODY],
            [503],
            id="upgrade",
        ),
        pytest.param([b"GET /popular HTTP/1.1\r\n" + CHUNKED + b"\r\n0\r\n\r\n"], [503], id="GET"),
        pytest.param(
            [b"GET /popular HTTP/1.1\r\nContent-Length: 2\r\n\r\n", b"{}"],
            [503],
            id="GET whose body comes late",
        ),
        pytest.param([b"GET /livez2 HTTP/1.1\r\n\r\n"], [503], id="starts like a probe"),
        pytest.param([b"POST /livez HTTP/1.1\r\nContent-Length: 0\r\n\r\n"], [503], id="no probe"),
        pytest.param(
            [b"POST /slow HTTP/1.1\r\n" + CHUNKED + b"\r\n", b"0\r\n\r\n"],
            [503],
            id="through the framework",
        ),
        pytest.param([b"HEAD /popular HTTP/1.1\r\n\r\n"], [503], id="HEAD"),
    ],
)
def test_no_form_of_a_request_bypasses_the_limit(
    limited_client: httpx.Client,
    slow: SlowEndpoint,
    limited_app: Any,
    parts: list[bytes],
    expected: list[int],
) -> None:
    running = RunningRequests(limited_client, slow, LIMIT)
    if parts[0].startswith(b"HEAD"):
        # A response to HEAD has no body, despite its length.
        assert limited_client.head("/popular").status_code == 503
    else:
        assert statuses_of(limited_client, *parts, count=len(expected)) == expected
    assert len(limited_app.limiter) == LIMIT
    slow.may_finish.set()
    assert all(response.startswith(b"HTTP/1.1 200 ") for response in running.responses())


def test_does_not_start_a_request_without_its_body(
    limited_client: httpx.Client, limited_app: Any
) -> None:
    address = (limited_client.base_url.host, limited_client.base_url.port)
    with socket.create_connection(address, timeout=300) as connection:
        connection.sendall(b"GET /popular HTTP/1.1\r\nContent-Length: 2\r\n\r\n{")
        assert limited_client.get("/livez").status_code == 200
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        connection.settimeout(20)
        connection.sendall(b"}")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /popular HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET /popular HTTP/1.1\r\nConnection: te, Close\r\nTE: trailers\r\n\r\n",
        b"GET /popular HTTP/1.0\r\n\r\n",
        JSON + LENGTH + b"Connection: close\r\n\r\n" + BODY,
        JSON + CHUNKED + b"Connection: close\r\n\r\n" + IN_CHUNKS,
        JSON + LENGTH + b"Connection: close\r\nExpect: x\r\n\r\n" + BODY,
    ],
)
def test_closes_the_connection_of_a_rejected_request_on_request(
    limited_client: httpx.Client, slow: SlowEndpoint, request_: bytes
) -> None:
    running = RunningRequests(limited_client, slow, LIMIT)
    address = (limited_client.base_url.host, limited_client.base_url.port)
    with socket.create_connection(address, timeout=300) as connection:
        connection.sendall(request_)
        answer = b""
        while part := connection.recv(1000):
            answer += part
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nconnection: close\r\n" in answer
    slow.may_finish.set()
    running.responses()
