"""Health checks, problem pages and errors, and loading newer releases."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.app import create_app, from_environment
from bitrecall.service.problems import PROBLEMS
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

Serve = Callable[..., httpx.Client]
ProblemIn = Callable[[httpx.Response, str, int], dict]


def wait_for(client: httpx.Client, release_id: str) -> httpx.Response:
    """The response of ``/readyz`` once it has a release; fails after five minutes."""
    give_up = time.monotonic() + 300
    while time.monotonic() < give_up:
        response = client.get("/readyz")
        if response.json().get("release_id") == release_id:
            return response
    pytest.fail(f"{release_id} was not loaded")


def test_is_live_and_ready(client: httpx.Client, release: Release) -> None:
    assert client.get("/livez").json() == {"status": "live"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["release_id"]) == (200, release.id)
    assert client.head("/readyz").status_code == 200


def test_is_live_but_not_ready_without_a_release(serve: Serve, problem_in: ProblemIn) -> None:
    client = serve(poll_interval=1.5)
    assert client.get("/livez").status_code == 200
    response = client.get("/readyz")
    assert "there is no current release" in problem_in(response, "not-ready", 503)["detail"]
    response = client.post("/recommend", json={"user_id": "17"})
    assert "/readyz" in problem_in(response, "not-ready", 503)["detail"]
    assert response.headers["retry-after"] == "2"


def test_loads_published_releases(
    serve: Serve, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    client = serve(poll_interval=0.05)
    assert client.get("/readyz").status_code == 503
    store = ReleaseStore(tmp_path / "releases")
    for seed in (0, 1):
        release = store.publish(contents(seed=seed))
        assert wait_for(client, release.id).status_code == 200
        answer = client.post("/recommend", json={"user_id": "17"}).json()
        assert answer["release_id"] == release.id


def test_serves_the_old_release_if_the_new_one_is_damaged(
    serve: Serve, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    store = ReleaseStore(tmp_path / "releases")
    first = store.publish(contents())
    client = serve(poll_interval=0.05)
    broken = store.publish(contents(seed=1), activate=False)
    (broken.path / "manifest.json").write_text("{}")
    (store.root / "CURRENT").write_text(broken.id)
    good = store.publish(contents(seed=2), activate=False)
    assert client.get("/readyz").json()["release_id"] == first.id
    store.activate(good.id)
    wait_for(client, good.id)


@pytest.mark.parametrize(
    "path", ["/nothing", "/recommend/", "/docs", "/redoc", "/problems/x", "/%ff%0a"]
)
def test_returns_404_for_other_paths(
    client: httpx.Client, problem_in: ProblemIn, path: str
) -> None:
    problem_in(client.get(path), "not-found", 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/recommend", {"POST"}),
        ("DELETE", "/recommend", {"POST"}),
        ("POST", "/readyz", {"GET", "HEAD"}),
        ("PUT", "/livez", {"GET", "HEAD"}),
        ("OPTIONS", "/openapi.json", {"GET", "HEAD"}),
    ],
)
def test_returns_405_with_the_allowed_methods(
    client: httpx.Client, problem_in: ProblemIn, method: str, path: str, allowed: set[str]
) -> None:
    response = client.request(method, path)
    problem_in(response, "method-not-allowed", 405)
    assert set(response.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_type_of_a_problem_is_the_path_of_its_page(client: httpx.Client, name: str) -> None:
    page = client.get(PROBLEMS[name].uri)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/plain")
    assert PROBLEMS[name].title in page.text
    assert str(PROBLEMS[name].status) in page.text
    assert PROBLEMS[name].uri in client.get("/problems").text


def test_an_internal_error_has_a_request_id_and_no_traceback(
    release: Release, serving: Callable, problem_in: ProblemIn, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(request: Request) -> Response:
        raise ZeroDivisionError("a secret detail")

    app = create_app(Settings(releases=release.path.parent, events="off"))
    app.router.routes.append(Route("/fail", fail))
    with serving(app) as client, caplog.at_level(logging.ERROR):
        response = client.get("/fail")
        assert client.get("/livez").status_code == 200
    problem = problem_in(response, "internal-error", 500)
    assert "secret" not in response.text
    [record] = caplog.records
    assert problem["request_id"] in record.getMessage()
    assert record.exc_info


def test_the_access_log_has_one_line_per_request(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "bitrecall.service.http.middleware"):
        serve().get("/livez")
        logged = serve(access_log=True)
        logged.get("/livez%0Aforged")
        logged.get("/livez")  # a line is written after its response, and before the next one
    records = [
        record for record in caplog.records if record.name == "bitrecall.service.http.middleware"
    ]
    line = records[0].getMessage()
    assert line.startswith("GET /livez%0Aforged 404 ")
    assert len(records) <= 2


def test_creates_the_application_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, serving: Callable, release: Release
) -> None:
    monkeypatch.setenv("BITRECALL_RELEASES", str(release.path.parent))
    monkeypatch.setenv("BITRECALL_MAX_K", "20")
    monkeypatch.setenv("BITRECALL_EVENTS", "off")
    with serving(from_environment()) as client:
        assert client.post("/recommend", json={"user_id": "17", "k": 21}).status_code == 422
        assert client.get("/readyz").json()["release_id"] == release.id
