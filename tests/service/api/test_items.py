"""Lookups of items and users over HTTP."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from bitrecall.index.releases.release import Release
from bitrecall.service.api.schemas.responses import ItemResponse, PopularResponse, UserResponse


def test_returns_the_most_popular_items(client: httpx.Client, release: Release) -> None:
    answer = client.get("/popular", params={"k": 2})
    PopularResponse.model_validate_json(answer.content, strict=True, extra="forbid")
    assert answer.json() == {
        "items": [{"id": "item 0", "popularity": 60}, {"id": "item 1", "popularity": 59}],
        "release_id": release.id,
    }
    assert len(client.get("/popular").json()["items"]) == 10


@pytest.mark.parametrize(
    "query", ["k=0", "k=1001", "k=ten", "k=", "k=1.0", "k=+1", "k=٣", "n=1", "prefix=a"]
)
def test_rejects_an_invalid_k(
    client: httpx.Client, problem_in: Callable[..., dict], query: str
) -> None:
    problem_in(client.get(f"/popular?{query}"), "invalid-request", 422)


def test_returns_an_item(client: httpx.Client, release: Release) -> None:
    for item in ("item 1", "naïve, café ☕"):
        answer = client.get(f"/items/{quote(item)}")
        info = ItemResponse.model_validate_json(answer.content, strict=True, extra="forbid")
        row = release.items.row_of(item)
        assert (info.id, info.known, info.release_id) == (item, "release", release.id)
        assert info.tags == release.attributes.tags_of(row)
        assert info.attributes == release.attributes.columns_of(row)


@pytest.mark.parametrize(
    "item", ["nowhere", "no/where", "no%2Fwhere", "a?b", "%FF", "\n", "a\n\x0f\n"]
)
def test_returns_an_unknown_item_with_status_200(client: httpx.Client, item: str) -> None:
    answer = client.get(f"/items/{quote(item)}")
    assert (answer.status_code, answer.json()["known"], answer.json()["id"]) == (
        200,
        "no",
        item.strip(),
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/users/%ff"), ("DELETE", "/users/a%e9"), ("GET", "/items/%c3")],
)
def test_rejects_a_path_that_is_not_utf8(
    client: httpx.Client, problem_in: Callable[..., dict], method: str, path: str
) -> None:
    problem = problem_in(client.request(method, path), "invalid-request", 422)
    assert problem["detail"] == "the path has to be percent-encoded UTF-8"


def test_returns_a_user(client: httpx.Client, release: Release) -> None:
    answer = client.get(f"/users/{quote('Ωμέγα 🛶')}")
    UserResponse.model_validate_json(answer.content, strict=True, extra="forbid")
    assert answer.json() == {
        "id": "Ωμέγα 🛶",
        "known": True,
        "seen": 30,
        "fresh": 0,
        "items": [f"item {row}" for row in range(10, 40)],
        "release_id": release.id,
    }
    assert client.get("/users/a/stranger").json()["known"] is False


def test_finds_ids_by_prefix(client: httpx.Client, release: Release) -> None:
    answer = client.get("/items", params={"prefix": "item 1", "k": 3}).json()
    assert answer == {"ids": ["item 1", "item 10", "item 11"], "release_id": release.id}
    assert client.get("/users", params={"prefix": "Ωμ"}).json()["ids"] == ["Ωμέγα 🛶"]
    assert len(client.get("/users").json()["ids"]) == 5
    assert client.get("/items", params={"prefix": "nowhere"}).json()["ids"] == []
