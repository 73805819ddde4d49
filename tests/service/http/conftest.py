import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.routing import Route

from bitrecall.index.releases.release import Release
from bitrecall.service.app import create_app
from bitrecall.service.http.protocol import HttpProtocol
from bitrecall.service.settings import Settings
from tests.service.http.raw_connection import RawConnection
from tests.service.http.running_requests import LIMIT, SlowEndpoint
from tests.service.http.simulated_connection import Clock, Transport, simulated_protocol


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def protocol(clock: Clock, transport: Transport) -> HttpProtocol:
    """The protocol of a new connection without sockets."""
    return simulated_protocol(clock, transport)


@pytest.fixture
def slow() -> SlowEndpoint:
    return SlowEndpoint()


@pytest.fixture
def limited_app(release: Release, slow: SlowEndpoint) -> Any:
    """An application that accepts ``LIMIT`` concurrent requests, with a slow endpoint."""
    settings = Settings(releases=release.path.parent, events="off", max_concurrent=LIMIT)
    app = create_app(settings)
    app.router.routes.append(Route("/slow", slow.respond, methods=["POST"]))
    return app


@pytest.fixture
def limited_client(
    limited_app: Any, serving: Callable[..., Any], slow: SlowEndpoint
) -> Iterator[httpx.Client]:
    """A client of ``limited_app``, whose slow requests end with the test."""
    with serving(limited_app) as client:
        yield client
        slow.may_finish.set()


@pytest.fixture
def connect(client: httpx.Client) -> Iterator[Callable[[], RawConnection]]:
    """Opens connections to a service with default settings."""
    with contextlib.ExitStack() as stack:

        def start() -> RawConnection:
            return stack.enter_context(contextlib.closing(RawConnection(client)))

        yield start
