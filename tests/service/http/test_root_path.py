"""A service below a path of a proxy, which takes the path off or leaves it on."""

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
def test_paths_are_answered_with_the_prefix_and_without(client: httpx.Client, prefix: str) -> None:
    asked = {"user_id": "17"}
    assert client.post(f"{prefix}/recommend", json=asked).status_code == 200
    assert client.post(f"{prefix}/recommend", json={**asked, "k": 200}).status_code == 200
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
def test_a_problem_leads_to_its_page_below_the_prefix(
    client: httpx.Client, prefix: str, method: str, path: str, body: Any, status: int
) -> None:
    response = client.request(method, prefix + path, json=body)
    assert response.status_code == status
    kind = response.json()["type"]
    assert kind.startswith(f"{ROOT}/problems/")
    # As the client resolves it, through a proxy that leaves the prefix on.
    assert client.get(kind).status_code == 200
    assert f"{kind}  {status}" in client.get("/problems").text


def test_the_openapi_document_names_the_prefix(client: httpx.Client) -> None:
    assert client.get(f"{ROOT}/openapi.json").json()["servers"] == [{"url": ROOT}]


def test_the_page_is_led_to_where_what_it_loads_is_found(client: httpx.Client) -> None:
    response = client.get(ROOT)
    assert (response.status_code, response.headers["location"]) == (308, f"{ROOT}/")
    page = client.get(f"{ROOT}/").text
    assert 'src="explorer/main.js"' in page
    assert not [line for line in page.splitlines() if 'src="/' in line or 'href="/' in line]


def test_a_path_that_only_begins_like_the_prefix_is_none_of_it(client: httpx.Client) -> None:
    assert client.get(f"{ROOT}x/livez").status_code == 404
    assert client.get(f"{ROOT}{ROOT}/livez").status_code == 404
    # An id may begin with anything.
    assert client.get(f"{ROOT}/items{ROOT}/x").json()["id"] == f"{ROOT.removeprefix('/')}/x"


@pytest.mark.parametrize("root", ["shop", "/shop/", "/", "/a//b", "/a b", "https://x/y", "/a?b"])
def test_what_is_no_prefix_is_refused_at_the_start(root: str) -> None:
    with pytest.raises(SettingsError, match="BITRECALL_ROOT_PATH"):
        load_settings(root_path=root)
