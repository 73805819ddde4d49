"""A service below a path of a proxy, which removes the path or keeps it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.environment import load_settings
from bitrecall.service.errors import SettingsError

pytestmark = pytest.mark.slow

Serve = Callable[..., httpx.Client]
ROOT = "/shop/recommender"


@pytest.fixture
def client(tmp_path: Path, contents: Callable[..., ReleaseContents], serve: Serve) -> httpx.Client:
    ReleaseStore(tmp_path / "releases").publish(contents())
    return serve(root_path=ROOT)


@pytest.mark.parametrize("prefix", ["", ROOT])
def test_serves_paths_with_and_without_the_prefix(client: httpx.Client, prefix: str) -> None:
    query = {"user_id": "17"}
    assert client.post(f"{prefix}/recommend", json=query).status_code == 200
    assert client.post(f"{prefix}/recommend", json={**query, "k": 200}).status_code == 200
    assert client.get(f"{prefix}/livez").status_code == 200
    assert client.get(f"{prefix}/items/item%201").json()["id"] == "item 1"
    assert client.get(f"{prefix}/").headers["content-type"].startswith("text/html")
    assert client.get(f"{prefix}/explorer/main.js").status_code == 200
    metrics = client.get(f"{prefix}/metrics").text
    assert 'path="/recommend"' in metrics
    assert ROOT not in metrics


@pytest.mark.parametrize("prefix", ["", ROOT])
@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/recommend", {"k": 1}, 422),
        ("POST", "/events", {}, 422),
        ("GET", "/nothing", None, 404),
        ("GET", "/recommend", None, 405),
    ],
)
def test_the_type_of_a_problem_has_the_prefix(
    client: httpx.Client, prefix: str, method: str, path: str, body: Any, status: int
) -> None:
    response = client.request(method, prefix + path, json=body)
    assert response.status_code == status
    problem_type = response.json()["type"]
    assert problem_type.startswith(f"{ROOT}/problems/")
    # As the client resolves it, through a proxy that keeps the prefix.
    assert client.get(problem_type).status_code == 200
    assert f"{problem_type}  {status}" in client.get("/problems").text


def test_the_openapi_document_has_the_prefix(client: httpx.Client) -> None:
    assert client.get(f"{ROOT}/openapi.json").json()["servers"] == [{"url": ROOT}]


def test_redirects_the_explorer_to_a_path_with_a_slash(client: httpx.Client) -> None:
    response = client.get(ROOT)
    assert (response.status_code, response.headers["location"]) == (308, f"{ROOT}/")
    page = client.get(f"{ROOT}/").text
    assert 'src="explorer/main.js"' in page
    assert not [line for line in page.splitlines() if 'src="/' in line or 'href="/' in line]


def test_strips_the_prefix_at_a_slash_and_once(client: httpx.Client) -> None:
    assert client.get(f"{ROOT}x/livez").status_code == 404
    assert client.get(f"{ROOT}{ROOT}/livez").status_code == 404
    # An id may start with any characters.
    assert client.get(f"{ROOT}/items{ROOT}/x").json()["id"] == f"{ROOT.removeprefix('/')}/x"


@pytest.mark.parametrize("root", ["shop", "/shop/", "/", "/a//b", "/a b", "https://x/y", "/a?b"])
def test_rejects_invalid_prefixes(root: str) -> None:
    with pytest.raises(SettingsError, match="BITRECALL_ROOT_PATH"):
        load_settings(root_path=root)
