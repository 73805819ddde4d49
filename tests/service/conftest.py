"""Fixtures: releases in a temporary store, and a real server for them."""

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.app import create_app
from bitrecall.service.http.protocol import HttpProtocol
from bitrecall.service.settings import Settings
from tests.tools.service_process import start
from tests.tools.small_release import contents, release

__all__ = ["contents", "release", "start"]

Serve = Callable[..., httpx.Client]
ProblemIn = Callable[[httpx.Response, str, int], dict[str, Any]]


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Restores the logging configuration after each test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@contextlib.contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of the application, served by uvicorn in another thread."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        config = uvicorn.Config(
            app,
            log_config=None,
            lifespan="on",
            loop="uvloop",
            http=HttpProtocol,
            ws="none",
            proxy_headers=False,
            access_log=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            port = sock.getsockname()[1]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(name="serving", scope="session")
def serving_fixture() -> Callable[[FastAPI], contextlib.AbstractContextManager[httpx.Client]]:
    """Serves an application within a ``with`` block."""
    return serving


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serves the store in ``tmp_path / "releases"`` with some settings."""
    with contextlib.ExitStack() as stack:

        def start(**settings: object) -> httpx.Client:
            options = {
                "releases": tmp_path / "releases",
                "events": f"sqlite:///{tmp_path}/events.db",
                **settings,
            }
            return stack.enter_context(serving(create_app(Settings(**options))))

        yield start


@pytest.fixture(scope="session")
def client(release: Release) -> Iterator[httpx.Client]:
    """A client of a service with default settings and the session's release."""
    with serving(create_app(Settings(releases=release.path.parent, events="off"))) as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def events_client(
    request: pytest.FixtureRequest,
    serve: Serve,
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
) -> httpx.Client:
    """A service with the test release, and with each kind of events database."""
    ReleaseStore(tmp_path / "releases").publish(contents())
    settings: dict[str, Any] = {"poll_interval": 0.05, "new_item_users": 2}
    if request.param == "postgresql":
        settings["events"] = request.getfixturevalue("postgres_url")
    client = serve(**settings)
    client.events_url = settings.get("events", f"sqlite:///{tmp_path}/events.db")  # type: ignore[attr-defined]
    return client


@pytest.fixture(scope="session")
def problem_in() -> ProblemIn:
    """Checks that a response is a problem of a type, and returns its document."""
    return _problem_in


def _problem_in(response: httpx.Response, name: str, status: int) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = response.json()
    assert (response.status_code, document["status"]) == (status, status)
    assert document["type"] == f"/problems/{name}"
    assert document["title"]
    assert document["detail"]
    assert str(document["instance"]).startswith("urn:uuid:")
    assert "Traceback" not in response.text
    return document
