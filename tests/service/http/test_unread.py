"""Clients that do not read their responses, over real connections."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bitrecall.index.releases.release import Release
from bitrecall.service.app import create_app
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

SIZE = 20 * 2**20
# Maximum checks, each of which is a request: the limit does not depend on the machine's speed.
MAX_CHECKS = 20_000


async def large(request: Request) -> Response:
    return Response(bytes(SIZE))


def app_with(release: Release, **settings: Any) -> Any:
    app = create_app(Settings(releases=release.path.parent, events="off", **settings))
    app.router.routes.append(Route("/large", large))
    return app


def unread_request(client: httpx.Client, *headers: bytes) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect((client.base_url.host, client.base_url.port))
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n" + b"".join(headers) + b"\r\n")
    return connection


def until(client: httpx.Client, condition: Callable[[], bool]) -> None:
    assert any(condition() or client.get("/livez").status_code != 200 for _ in range(MAX_CHECKS))


def received(connection: socket.socket) -> int:
    size = 0
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(2**20):
            size += len(part)
    return size


@pytest.mark.parametrize("headers", [b"", b"Connection: close\r\n"])
def test_drops_a_response_that_is_not_read_in_time(
    release: Release, serving: Callable[..., Any], headers: bytes
) -> None:
    app = app_with(release, answer_timeout=0.2)
    with (
        serving(app) as client,
        contextlib.closing(unread_request(client, headers)) as connection,
    ):
        until(client, lambda: bool(app.connection_budget._unread))
        until(client, lambda: not app.connection_budget._unread)
        assert received(connection) < SIZE
        assert client.get("/livez").status_code == 200


def test_sends_a_complete_response_to_a_slow_reader(
    release: Release, serving: Callable[..., Any]
) -> None:
    app = app_with(release)
    with serving(app) as client:
        connection = unread_request(client, b"Connection: close\r\n")
        until(client, lambda: bool(app.connection_budget._unread))
        assert received(connection) > SIZE
        connection.close()
        assert client.get("/livez").status_code == 200
        assert not app.connection_budget._unread


def test_counts_dropped_connections_by_reason(
    release: Release, serving: Callable[..., Any]
) -> None:
    app = app_with(release, answer_timeout=0.2, max_connections=3)
    with serving(app) as client, contextlib.ExitStack() as stack:

        def counted(reason: str) -> bool:
            line = f'bitrecall_dropped_connections_total{{reason="{reason}"}}'
            return line in client.get("/metrics").text

        address = (client.base_url.host, client.base_url.port)
        malformed = stack.enter_context(socket.create_connection(address, timeout=30))
        malformed.sendall(b"no HTTP\r\n\r\n")
        assert malformed.recv(100).startswith(b"HTTP/1.1 400 ")
        malformed.close()
        stack.enter_context(contextlib.closing(unread_request(client)))
        until(client, lambda: counted("malformed-http") and counted("answer-not-read"))
        for _ in range(3):
            stack.enter_context(socket.create_connection(address, timeout=30))
        until(client, lambda: counted("too-many-connections"))
