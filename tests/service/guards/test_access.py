"""Keys over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from index.release import ReleaseContents
from index.store import ReleaseStore
from service.app import create_app
from service.errors import KeysError, SettingsError
from service.guards.access import role_needed
from service.guards.keys import Role, add_key, remove_key
from service.openapi.operations import OPERATIONS
from service.settings import Settings, load_settings

ProblemIn = Callable[..., dict[str, Any]]
Serve = Callable[..., httpx.Client]

OPEN = {"/", "/explorer/{name}", "/livez", "/readyz", "/problems", "/problems/{name}"}
WRITE = {("post", "/events"), ("delete", "/users/{id}")}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.txt"


@pytest.fixture
def client(
    serve: Serve, tmp_path: Path, contents: Callable[..., ReleaseContents], keys: Path
) -> httpx.Client:
    ReleaseStore(tmp_path / "releases").publish(contents())
    add_key(keys, Role.READ, "first")
    return serve(keys=keys)


def bearing(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_every_operation_needs_the_role_that_fits_it(operation: Any) -> None:
    path = operation.path.format(name="not-ready", id="a/b")
    needed = role_needed(operation.method.upper(), path)
    if operation.path in OPEN:
        assert needed is None
    elif (operation.method, operation.path) in WRITE:
        assert needed == Role.WRITE
    elif operation.path.startswith("/releases/"):
        assert needed == Role.ADMIN
    else:
        assert needed == Role.READ


def test_what_does_not_exist_needs_a_key_too() -> None:
    assert role_needed("GET", "/nothing") == Role.READ
    assert role_needed("POST", "/releases/x/activate") == Role.ADMIN


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic Zm9vOmJhcg=="},
        {"X-API-Key": "br_read_x"},
    ],
)
def test_without_a_key_that_is_accepted_nothing_is_answered(
    client: httpx.Client, problem_in: ProblemIn, headers: dict[str, str]
) -> None:
    for response in (
        client.post("/recommend", json={"user_id": "17"}, headers=headers),
        client.get("/nothing", headers=headers),
        client.delete("/users/17", headers=headers),
    ):
        problem_in(response, "unauthorized", 401)
        assert response.headers["www-authenticate"] == 'Bearer realm="bitrecall"'
    for path in ("/livez", "/readyz", "/openapi.json", "/problems", "/problems/forbidden"):
        assert client.get(path, headers=headers).status_code == 200


def test_a_key_may_do_what_its_role_may(
    client: httpx.Client, keys: Path, problem_in: ProblemIn
) -> None:
    read, write = (bearing(add_key(keys, role, role.name)) for role in (Role.READ, Role.WRITE))
    asked, event = {"user_id": "17"}, {"events": [{"user_id": "a", "item_id": "b"}]}
    for headers in (read, write):
        assert client.post("/recommend", json=asked, headers=headers).status_code == 200
    assert client.post("/events", json=event, headers=write).status_code == 200
    problem = problem_in(client.post("/events", json=event, headers=read), "forbidden", 403)
    assert "the role write, and yours is of the role read" in problem["detail"]


def test_keys_come_and_go_while_it_runs(client: httpx.Client, keys: Path) -> None:
    headers = bearing(add_key(keys, Role.READ, "later"))
    assert client.get("/popular", headers=headers).status_code == 200
    remove_key(keys, "later")
    assert client.get("/popular", headers=headers).status_code == 401


def test_a_file_that_is_spoilt_leaves_the_keys_as_they_were(
    client: httpx.Client, keys: Path
) -> None:
    headers = bearing(add_key(keys, Role.READ, "later"))
    assert client.get("/popular", headers=headers).status_code == 200
    keys.write_text("nonsense")
    assert client.get("/popular", headers=headers).status_code == 200
    keys.unlink()
    assert client.get("/popular", headers=headers).status_code == 200


def test_it_does_not_start_with_keys_that_cannot_be_read(keys: Path) -> None:
    keys.write_text("nonsense")
    with pytest.raises(KeysError, match="line 1"):
        create_app(Settings(keys=keys))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example"])
def test_others_need_keys_unless_told_outright(keys: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="BITRECALL_KEYS"):
        load_settings(host=host)
    assert load_settings(host=host, keys=keys).host == host
    assert load_settings(host=host, open_access=True).host == host


def test_this_machine_needs_none() -> None:
    for own in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        assert load_settings(host=own).host == own
