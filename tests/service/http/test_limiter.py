"""Turning requests away when there are too many, over real connections."""

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
from bitrecall.service.api.schemas.answers import Problem
from bitrecall.service.app import create_app
from bitrecall.service.http.limiter import ConcurrencyLimiter, Rejection, quick_rejection
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

MOST = 3


class Slow:
    """An endpoint that answers when it is told to."""

    def __init__(self) -> None:
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Event()

    async def answer(self, request: Request) -> Response:
        await request.body()
        self.begun.release()
        await asyncio.to_thread(self.go_on.wait, 20)
        return PlainTextResponse("done")


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def app(release: Release, slow: Slow) -> Any:
    settings = Settings(releases=release.path.parent, events="off", max_concurrent=MOST)
    app = create_app(settings)
    app.router.routes.append(Route("/slow", slow.answer, methods=["POST"]))
    return app


@pytest.fixture
def client(app: Any, serving: Callable[..., Any], slow: Slow) -> Iterator[httpx.Client]:
    with serving(app) as client:
        yield client
        slow.go_on.set()


def test_a_load_counts_what_is_in_the_work() -> None:
    turned_away = []
    limiter = ConcurrencyLimiter(2, turned_away.append)
    first, second = object(), object()
    limiter.enter(first)
    assert not limiter.is_full
    limiter.enter(second)
    assert (limiter.is_full, len(limiter)) == (True, 2)
    limiter.leave(first)
    limiter.leave(first)
    assert (limiter.is_full, len(limiter)) == (False, 1)
    assert turned_away == []


def test_each_that_is_turned_away_is_counted_and_has_an_urn_of_its_own() -> None:
    turned_away: list[int] = []
    limiters = [ConcurrencyLimiter(1, turned_away.append) for _ in range(2)]
    for limiter in limiters:
        limiter.enter(limiter)
    occurrences = set()
    for limiter in limiters * 2:
        head, _, body = limiter.reject().partition(b"\r\n\r\n")
        assert f"content-length: {len(body)}".encode() in head.split(b"\r\n")
        occurrences.add(UUID(Problem.model_validate_json(body).instance.removeprefix("urn:uuid:")))
    for limiter in limiters * 2:
        limiter.leave(limiter)
    assert (len(occurrences), turned_away) == (4, [2, 2])


class Waiting:
    """Connections on each of which a request is in the work."""

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
            assert slow.begun.acquire(timeout=300)

    def answers(self) -> list[bytes]:
        found = [connection.recv(1000) for connection in self.sockets]
        for connection in self.sockets:
            connection.close()
        return found


def test_one_too_many_is_answered_at_once_and_the_others_in_the_end(
    client: httpx.Client, slow: Slow
) -> None:
    waiting = Waiting(client, slow, MOST)
    for _ in range(3):
        response = client.post("/recommend", json={"user_id": "17"})
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert response.headers["content-type"] == "application/problem+json"
        problem = Problem.model_validate_json(response.content, strict=True, extra="forbid")
        assert problem.type == "/problems/too-busy"
        assert client.get(problem.type).status_code == 503
    slow.go_on.set()
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in waiting.answers())
    assert client.post("/recommend", json={"user_id": "17"}).status_code == 200
    told = client.get("/metrics").text.splitlines()
    assert "bitrecall_shed_requests_total 6.0" in told


def test_whoever_looks_after_it_is_always_answered(client: httpx.Client, slow: Slow) -> None:
    waiting = Waiting(client, slow, MOST)
    for path in ("/livez", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    slow.go_on.set()
    waiting.answers()


def test_bodies_that_do_not_come_take_no_place(client: httpx.Client, app: Any) -> None:
    url = client.base_url
    with ExitStack() as stack:
        for _ in range(3 * MOST):
            connection = stack.enter_context(socket.create_connection((url.host, url.port)))
            connection.sendall(
                b"POST /slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{"
            )
        assert client.post("/recommend", json={"user_id": "17"}).status_code == 200
        assert len(app.limiter) == 0


def test_clients_that_go_away_leave_nothing_behind(
    client: httpx.Client, slow: Slow, app: Any
) -> None:
    waiting = Waiting(client, slow, MOST)
    for connection in waiting.sockets:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.close()
    slow.go_on.set()
    while len(app.limiter):
        assert client.get("/livez").status_code == 200
    assert client.post("/recommend", json={"user_id": "17"}).status_code == 200


def test_what_comes_in_pieces_is_turned_away_whole(client: httpx.Client, slow: Slow) -> None:
    waiting = Waiting(client, slow, MOST)
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
        slow.go_on.set()
        waiting.answers()
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


def answers(client: httpx.Client, *parts: bytes, count: int = 1) -> list[int]:
    """The statuses of the final answers to what is sent in parts."""
    found = []
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=300) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        file = connection.makefile("rb")
        for part in parts:
            connection.sendall(part)
        while len(found) < count:
            status = int(file.readline().split()[1])
            length = 0
            while (header := file.readline().lower()) != b"\r\n":
                if header.startswith(b"content-length:"):
                    length = int(header.split()[1])
            file.read(length)
            if status >= 200:
                found.append(status)
        file.close()
    return found


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
        pytest.param([b"GET /livez2 HTTP/1.1\r\n\r\n"], [503], id="begins like a probe"),
        pytest.param([b"POST /livez HTTP/1.1\r\nContent-Length: 0\r\n\r\n"], [503], id="no probe"),
        pytest.param(
            [b"POST /slow HTTP/1.1\r\n" + CHUNKED + b"\r\n", b"0\r\n\r\n"],
            [503],
            id="through the framework",
        ),
        pytest.param([b"HEAD /popular HTTP/1.1\r\n\r\n"], [503], id="HEAD"),
    ],
)
def test_no_spelling_of_a_request_gets_around_the_limit(
    client: httpx.Client, slow: Slow, app: Any, parts: list[bytes], expected: list[int]
) -> None:
    waiting = Waiting(client, slow, MOST)
    if parts[0].startswith(b"HEAD"):
        # An answer to HEAD has no body, whatever its length says.
        assert client.head("/popular").status_code == 503
    else:
        assert answers(client, *parts, count=len(expected)) == expected
    assert len(app.limiter) == MOST
    slow.go_on.set()
    assert all(answer.startswith(b"HTTP/1.1 200 ") for answer in waiting.answers())


def test_a_request_without_its_body_is_not_begun(client: httpx.Client, app: Any) -> None:
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
def test_a_refused_request_that_asks_to_close_is_closed(
    client: httpx.Client, slow: Slow, request_: bytes
) -> None:
    waiting = Waiting(client, slow, MOST)
    address = (client.base_url.host, client.base_url.port)
    with socket.create_connection(address, timeout=300) as connection:
        connection.sendall(request_)
        answer = b""
        while part := connection.recv(1000):
            answer += part
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nconnection: close\r\n" in answer
    slow.go_on.set()
    waiting.answers()


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
def test_what_cannot_be_told_the_end_of_is_parsed_like_any(data: bytes) -> None:
    assert quick_rejection(data) is None


def test_what_is_missing_is_what_the_length_says() -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\ncontent-LENGTH:  12 \r\nA: b\r\n\r\n"
    found = [quick_rejection(head + b"x" * come) for come in (0, 5, 12)]
    assert found == [Rejection(missing, close=False) for missing in (12, 7, 0)]
    assert quick_rejection(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == Rejection(
        0, close=False
    )
