"""Key checks over HTTP."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.openapi.operations import OPERATIONS
from bitrecall.service.app import create_app
from bitrecall.service.auth.key_middleware import role_needed
from bitrecall.service.auth.keyring import Role, add_key, remove_key
from bitrecall.service.environment import load_settings
from bitrecall.service.errors import KeysError, SettingsError
from bitrecall.service.server import run
from bitrecall.service.settings import Settings

pytestmark = pytest.mark.slow

ProblemIn = Callable[..., dict[str, Any]]
Serve = Callable[..., httpx.Client]

OPEN = {"/", "/explorer/{name}", "/livez", "/readyz", "/problems", "/problems/{name}"}
WRITE = {("post", "/events"), ("delete", "/users/{id}")}
RECOMMEND = {"/recommend", "/recommend/batch", "/similar", "/popular"}


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


@pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}"
)
def test_every_operation_needs_its_role(operation: Any) -> None:
    path = operation.path.format(name="not-ready", id="a/b")
    needed = role_needed(operation.method.upper(), path)
    if operation.path in OPEN:
        assert needed is None
    elif (operation.method, operation.path) in WRITE:
        assert needed == Role.WRITE
    elif operation.path.startswith("/releases/"):
        assert needed == Role.ADMIN
    elif operation.path in RECOMMEND:
        assert needed == Role.RECOMMEND
    else:
        assert needed == Role.READ


def test_unknown_paths_need_a_key() -> None:
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
def test_rejects_requests_without_a_valid_key(
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


def test_a_key_allows_what_its_role_allows(
    client: httpx.Client, keys: Path, problem_in: ProblemIn
) -> None:
    read, write = (bearing(add_key(keys, role, role.name)) for role in (Role.READ, Role.WRITE))
    query, event = {"user_id": "17"}, {"events": [{"user_id": "a", "item_id": "b"}]}
    for headers in (read, write):
        assert client.post("/recommend", json=query, headers=headers).status_code == 200
    assert client.post("/events", json=event, headers=write).status_code == 200
    problem = problem_in(client.post("/events", json=event, headers=read), "forbidden", 403)
    assert "the role write; this key has the role read" in problem["detail"]


def test_applies_added_and_removed_keys_at_once(client: httpx.Client, keys: Path) -> None:
    headers = bearing(add_key(keys, Role.READ, "later"))
    assert client.get("/popular", headers=headers).status_code == 200
    remove_key(keys, "later")
    assert client.get("/popular", headers=headers).status_code == 401


def gauges(client: httpx.Client, headers: dict[str, str]) -> tuple[str, str]:
    """The metrics of the key file: whether it is valid, and its number of keys."""
    lines = dict(
        line.rsplit(" ", 1)
        for line in client.get("/metrics", headers=headers).text.splitlines()
        if line.startswith("bitrecall_keys")
    )
    return lines["bitrecall_keys_file_ok"], lines["bitrecall_keys"]


def test_rejects_a_removed_key_even_if_other_lines_are_invalid(
    client: httpx.Client, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept_key, removed = (bearing(add_key(keys, Role.READ, name)) for name in ("kept", "removed"))
    assert client.get("/popular", headers=removed).status_code == 200
    assert gauges(client, kept_key) == ("1.0", "3.0")
    kept = [line for line in keys.read_text().splitlines() if " removed " not in line]
    keys.write_text("\n".join([*kept, "read some body", ""]))
    assert client.get("/popular", headers=removed).status_code == 401
    assert client.get("/popular", headers=kept_key).status_code == 200
    assert gauges(client, kept_key) == ("0.0", "2.0")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "line 3 is invalid" in warnings[0]
    keys.write_text("\n".join([*kept, ""]))
    assert gauges(client, kept_key) == ("1.0", "2.0")


@pytest.mark.parametrize("fault", ["removed", "a folder", "open to all", "binary"])
def test_keeps_the_keys_and_warns_if_the_file_cannot_be_used(
    client: httpx.Client, keys: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    headers = bearing(add_key(keys, Role.READ, "later"))
    assert gauges(client, headers) == ("1.0", "2.0")
    if fault == "open to all":
        keys.chmod(0o666)
    elif fault == "binary":
        keys.write_bytes(b"\xff\xfe")
    else:
        keys.unlink()
        if fault == "a folder":
            keys.mkdir()
    assert gauges(client, headers) == ("0.0", "2.0")
    assert gauges(client, headers) == ("0.0", "2.0")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1
    assert str(keys) in warnings[0]


def test_rejects_all_requests_and_warns_if_the_file_has_no_keys(
    client: httpx.Client, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    headers = bearing(add_key(keys, Role.READ, "later"))
    assert client.get("/popular", headers=headers).status_code == 200
    keys.write_text("# no keys\n")
    assert client.get("/popular", headers=headers).status_code == 401
    assert "has no keys" in caplog.text


def test_does_not_start_with_an_invalid_key_file(keys: Path) -> None:
    keys.write_text("nonsense")
    with pytest.raises(KeysError, match="line 1"):
        run(Settings(keys=keys, port=0))
    keys.write_text("")
    keys.chmod(0o666)
    with pytest.raises(KeysError, match="chmod go-w"):
        run(Settings(keys=keys, port=0))


def test_a_later_worker_starts_with_an_invalid_key_file(
    keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys.write_text("nonsense")
    assert create_app(Settings(keys=keys, events="off")).keys.role_of("x") is None  # type: ignore[attr-defined]
    assert "line 1" in caplog.text


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/recommend", {"user_id": "17", "explain": True}),
        ("/recommend", {"user_id": "17", "exclude_seen": False}),
        (
            "/recommend",
            {"user_id": "17", "history": ["item 1"], "history_mode": "add", "explain": True},
        ),
        ("/recommend/batch", {"user_ids": ["17"], "explain": True}),
        ("/recommend/batch", {"user_ids": ["17"], "exclude_seen": False}),
    ],
)
def test_the_role_recommend_may_not_see_the_items_of_users(
    client: httpx.Client, keys: Path, problem_in: ProblemIn, path: str, query: dict[str, Any]
) -> None:
    recommend = bearing(add_key(keys, Role.RECOMMEND, "shop"))
    read = bearing(add_key(keys, Role.READ, "office"))
    assert client.post(path, json=query, headers=read).status_code == 200
    problem_in(client.post(path, json=query, headers=recommend), "forbidden", 403)


def test_the_role_recommend_gets_recommendations(
    client: httpx.Client, keys: Path, problem_in: ProblemIn
) -> None:
    headers = bearing(add_key(keys, Role.RECOMMEND, "shop"))
    for path, query in [
        ("/recommend", {"user_id": "17"}),
        ("/recommend", {"history": ["item 1"], "explain": True, "exclude_seen": False}),
        ("/recommend/batch", {"user_ids": ["17"]}),
        ("/similar", {"item_id": "item 1"}),
    ]:
        assert client.post(path, json=query, headers=headers).status_code == 200
    assert client.get("/popular", headers=headers).status_code == 200
    for path in ("/users", "/users/17", "/items", "/items/item 1", "/releases", "/metrics"):
        problem_in(client.get(path, headers=headers), "forbidden", 403)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "shop.example"])
def test_other_addresses_need_keys_or_open_access(keys: Path, host: str) -> None:
    with pytest.raises(SettingsError, match="BITRECALL_KEYS"):
        load_settings(host=host)
    assert load_settings(host=host, keys=keys).host == host
    assert load_settings(host=host, open_access=True).host == host


def test_loopback_addresses_need_no_keys() -> None:
    for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"):
        assert load_settings(host=host).host == host
