"""Rejecting requests over the concurrency limit, over real connections."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bitrecall.index.releases.release import Release
from bitrecall.service.api.schemas.responses import Problem
from bitrecall.service.app import create_app
from bitrecall.service.http.limiter import ConcurrencyLimiter, Rejection, quick_rejection
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

LIMIT = 3


class Slow:
    """An endpoint that waits until ``may_finish`` is set."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.may_finish = threading.Event()

    async def respond(self, request: Request) -> Response:
        await request.body()
        self.started.release()
        await asyncio.to_thread(self.may_finish.wait, 20)
        return PlainTextResponse("done")


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def app(release: Release, slow: Slow) -> Any:
    settings = Settings(releases=release.path.parent, events="off", max_concurrent=LIMIT)
    app = create_app(settings)
    app.router.routes.append(Route("/slow", slow.respond, methods=["POST"]))
    return app


@pytest.fixture
def client(app: Any, serving: Callable[..., Any], slow: Slow) -> Iterator[httpx.Client]:
    with serving(app) as client:
        yield client
        slow.may_finish.set()


def test_counts_running_requests() -> None:
    rejections = []
    limiter = ConcurrencyLimiter(2, rejections.append)
    first, second = object(), object()
    limiter.enter(first)
    assert not limiter.is_full
    limiter.enter(second)
    assert (limiter.is_full, len(limiter)) == (True, 2)
    limiter.leave(first)
    limiter.leave(first)
    assert (limiter.is_full, len(limiter)) == (False, 1)
    assert rejections == []


def test_counts_rejections_and_gives_each_a_unique_urn() -> None:
    rejections: list[int] = []
    limiters = [ConcurrencyLimiter(1, rejections.append) for _ in range(2)]
    for limiter in limiters:
        limiter.enter(limiter)
    occurrences = set()
    for limiter in limiters * 2:
        head, _, body = limiter.reject().partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head.split(b"\r\n")
        occurrences.add(UUID(Problem.model_validate_json(body).instance.removeprefix("urn:uuid:")))
    for limiter in limiters * 2:
        limiter.leave(limiter)
    assert (len(occurrences), rejections) == (4, [2, 2])


class Waiting:
    """Connections that each have a running request."""

    def __init__(self, client: httpx.Client, slow: Slow, count: int) -> None:
        url = client.base_url
        self.sockets = []
        for _ in range(count):
            connection = socket.create_connection((url.host, url.port), timeout=300)
            connection.sendall(
                b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
            )
            self.sockets.append(connection)
        for _ in range(count):
            assert slow.started.acquire(timeout=300)

    def responses(self) -> list[bytes]:
        responses = [connection.recv(1000) for connection in self.sockets]
        for connection in self.sockets:
            connection.close()
        return responses


def test_rejects_requests_over_the_limit_at_once(client: httpx.Client, slow: Slow) -> None:
    waiting = Waiting(client, slow, LIMIT)
    for _ in range(3):
        response = client.post("/recommend", json={"user_id": "17"})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert response.headers["content-type"] == "application/problem+json"
        problem = Problem.model_validate_json(response.content, strict=True, extra="forbid")
        assert problem.type == "/problems/too-busy"
        assert client.get(problem.type).status_code == 503
    slow.may_finish.set()
    assert all(response.startswith(b"HTTP/1.1 200 ") for response in waiting.responses())
    assert client.post("/recommend", json={"user_id": "17"}).status_code == 200
    metrics = client.get("/metrics").text.splitlines()
    assert "bitrecall_shed_requests_total 6.0" in metrics


def test_always_responds_to_probes_and_monitoring(client: httpx.Client, slow: Slow) -> None:
    waiting = Waiting(client, slow, LIMIT)
    for path in ("/livez", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    slow.may_finish.set()
    waiting.responses()


def test_requests_without_a_complete_body_do_not_count(client: httpx.Client, app: Any) -> None:
    url = client.base_url
    with ExitStack() as stack:
        for _ in range(3 * LIMIT):
            connection = stack.enter_context(socket.create_connection((url.host, url.port)))
            connection.sendall(
                b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{"
            )
        assert client.post("/recommend", json={"user_id": "17"}).status_code == 200
        assert len(app.limiter) == 0


def test_disconnected_clients_do_not_count(client: httpx.Client, slow: Slow, app: Any) -> None:
    waiting = Waiting(client, slow, LIMIT)
    for connection in waiting.sockets:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.close()
    slow.may_finish.set()
    while len(app.limiter):
        assert client.get("/livez").status_code == 200
    assert client.post("/recommend", json={"user_id": "17"}).status_code == 200


def test_rejects_requests_that_arrive_in_pieces(client: httpx.Client, slow: Slow) -> None:
    waiting = Waiting(client, slow, LIMIT)
    url = client.base_url
    body = json.dumps({"user_id": "17"}).encode()
    head = f"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    head += "Content-Type: application/json\r\n\r\n"
    with socket.create_connection((url.host, url.port), timeout=300) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for pieces in ([body], [b"", body], [body[:3], body[3:]]):
            connection.sendall(head.encode() + pieces[0])
            assert connection.recv(1000).startswith(b"HTTP/1.1 503 ")
            for piece in pieces[1:]:
                connection.sendall(piece)
        slow.may_finish.set()
        waiting.responses()
        while client.post("/recommend", json={"user_id": "17"}).status_code == 503:
            pass
        connection.sendall(head.encode() + body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


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
    client: httpx.Client, slow: Slow, app: Any, parts: list[bytes], expected: list[int]
) -> None:
    waiting = Waiting(client, slow, LIMIT)
    if parts[0].startswith(b"HEAD"):
        # A response to HEAD has no body, despite its length.
        assert client.head("/popular").status_code == 503
    else:
        assert statuses_of(client, *parts, count=len(expected)) == expected
    assert len(app.limiter) == LIMIT
    slow.may_finish.set()
    assert all(response.startswith(b"HTTP/1.1 200 ") for response in waiting.responses())


def test_does_not_start_a_request_without_its_body(client: httpx.Client, app: Any) -> None:
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=300) as connection:
        connection.sendall(b"GET /popular HTTP/1.1\r\nContent-Length: 2\r\n\r\n{")
        assert client.get("/livez").status_code == 200
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
    client: httpx.Client, slow: Slow, request_: bytes
) -> None:
    waiting = Waiting(client, slow, LIMIT)
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=300) as connection:
        connection.sendall(request_)
        answer = b""
        while part := connection.recv(1000):
            answer += part
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nconnection: close\r\n" in answer
    slow.may_finish.set()
    waiting.responses()


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nContent-Len",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\n{}",
    ],
)
def test_requires_parsing_if_the_length_is_not_obvious(data: bytes) -> None:
    assert quick_rejection(data) is None


def test_computes_missing_bytes_from_the_length() -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\ncontent-LENGTH:  12 \r\nA: b\r\n\r\n"
    responses = [quick_rejection(head + b"x" * arrived) for arrived in (0, 5, 12)]
    assert responses == [Rejection(missing, close=False) for missing in (12, 7, 0)]
    assert quick_rejection(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == Rejection(
        0, close=False
    )
