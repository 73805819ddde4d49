"""Requests from pages of other origins: CSRF and CORS."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.openapi.operations import OPERATIONS
from bitrecall.service.auth.keyring import Role, add_key
from bitrecall.service.environment import load_settings
from bitrecall.service.errors import SettingsError
from bitrecall.service.http.origins import changes_state

pytestmark = pytest.mark.slow

Serve = Callable[..., httpx.Client]
ProblemIn = Callable[..., dict[str, Any]]

SHOP = "https://shop.example"
EVENT = {"events": [{"user_id": "a", "item_id": "b"}]}
CHANGES = {"take_events", "forget_user", "activate_release", "rollback_release"}


@pytest.fixture
def releases(tmp_path: Path, contents: Callable[..., ReleaseContents]) -> list[Release]:
    store = ReleaseStore(tmp_path / "releases")
    return [store.publish(contents(seed)) for seed in (1, 2)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_classifies_every_operation(operation: Any) -> None:
    path = operation.path.format(name="x", id="a/b")
    assert changes_state(operation.method.upper(), path) == (operation.name in CHANGES)


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:1"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_rejects_changes_from_pages_of_other_origins(
    serve: Serve, releases: list[Release], problem_in: ProblemIn, headers: dict[str, str]
) -> None:
    client, first = serve(), releases[0]
    for response in (
        client.post(f"/releases/{first.id}/activate", json={}, headers=headers),
        client.post("/releases/rollback", json={}, headers=headers),
        client.post("/events", json=EVENT, headers=headers),
        client.delete("/users/17", headers=headers),
        client.post("/nothing", json={}, headers=headers),
    ):
        problem_in(response, "cross-origin", 403)
    assert client.get("/readyz").json()["release_id"] == releases[1].id
    assert client.post("/recommend", json={"user_id": "17"}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://shop.example", "Host": "localhost"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost:1234", "Host": "localhost:1234"},
        {"Origin": "https://LOCALHOST", "Host": "localhost"},
    ],
    ids=str,
)
def test_allows_changes_from_own_pages_and_other_clients(
    serve: Serve, releases: list[Release], headers: dict[str, str]
) -> None:
    client = serve()
    response = client.post(f"/releases/{releases[0].id}/activate", json={}, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_rejects_forms(
    serve: Serve, releases: list[Release], problem_in: ProblemIn, content_type: str | None
) -> None:
    client = serve()
    headers = {} if content_type is None else {"Content-Type": content_type}
    for path in (f"/releases/{releases[0].id}/activate", "/releases/rollback"):
        problem_in(client.post(path, content=b"", headers=headers), "unsupported-media-type", 415)
    assert client.get("/readyz").json()["release_id"] == releases[1].id


def test_activation_accepts_an_empty_body_or_object_only(
    serve: Serve, releases: list[Release], problem_in: ProblemIn
) -> None:
    client, path = serve(), f"/releases/{releases[0].id}/activate"
    headers = {"Content-Type": "application/json"}
    for body in (b"", b"{}"):
        assert client.post(path, content=body, headers=headers).status_code == 200
    problem_in(client.post(path, content=b"[", headers=headers), "malformed-json", 400)
    problem_in(client.post(path, json={"release_id": "x"}), "invalid-request", 422)


def test_pages_cannot_read_responses_by_default(serve: Serve, releases: list[Release]) -> None:
    client = serve()
    query = {"user_id": "17"}
    response = client.post("/recommend", json=query, headers={"Origin": SHOP})
    assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = {"Origin": SHOP, "Access-Control-Request-Method": "POST"}
    response = client.options("/recommend", headers=preflight)
    assert response.status_code == 405
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_pages_of_an_allowed_origin_may_read_and_change(
    serve: Serve, releases: list[Release], tmp_path: Path, problem_in: ProblemIn
) -> None:
    keys = tmp_path / "keys.txt"
    key = f"Bearer {add_key(keys, Role.ADMIN, 'shop')}"
    client = serve(allowed_origins=f"{SHOP},http://localhost:3000", keys=keys)
    page = {"Origin": SHOP, "Sec-Fetch-Site": "cross-site"}
    preflight = client.options(
        "/recommend",
        headers={
            **page,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == SHOP
    assert "authorization" in preflight.headers["access-control-allow-headers"]
    headers = {**page, "Authorization": key}
    for response in (
        client.post("/recommend", json={"user_id": "17"}, headers=headers),
        client.post("/recommend", json={"user_id": "17", "k": 300}, headers=headers),
        client.post("/events", json=EVENT, headers=headers),
        client.get("/popular", headers=headers),
        client.post("/recommend", json={"user_id": 17}, headers=headers),
        client.get("/popular", headers=page),
    ):
        assert response.status_code in (200, 401, 422)
        assert response.headers.get_list("access-control-allow-origin") == [SHOP]
        assert "x-request-id" in response.headers["access-control-expose-headers"]
        assert response.headers["vary"] == "Origin"
        assert len(response.headers.get_list("x-request-id")) == 1
    evil = {"Origin": "https://evil.example", "Authorization": key}
    response = client.post("/recommend", json={"user_id": "17"}, headers=evil)
    assert "access-control-allow-origin" not in response.headers
    # Caches have to know that responses depend on the origin.
    assert response.headers["vary"] == "Origin"
    problem_in(client.post("/events", json=EVENT, headers=evil), "cross-origin", 403)
    # A client other than a browser.
    response = client.post("/recommend", json={"user_id": "17"}, headers={"Authorization": key})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "origins", ["*", "shop.example", "https://shop.example/", "https://Shop.example", "null"]
)
def test_rejects_invalid_origins(origins: str) -> None:
    with pytest.raises(SettingsError, match="BITRECALL_ALLOWED_ORIGINS"):
        load_settings(allowed_origins=origins)
