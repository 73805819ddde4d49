"""``/releases`` over HTTP: listing, activating and comparing releases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import QueryOptions
from bitrecall.index.releases.release import Release, ReleaseContents
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.schemas.responses import ActiveResponse, ReleasesResponse

pytestmark = pytest.mark.slow

ProblemIn = Callable[..., dict[str, Any]]


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "releases")


@pytest.fixture
def releases(
    store: ReleaseStore, contents: Callable[..., ReleaseContents]
) -> tuple[Release, Release]:
    return store.publish(contents()), store.publish(contents(seed=1))


@pytest.fixture
def client(serve: Callable[..., httpx.Client], releases: tuple[Release, Release]) -> httpx.Client:
    return serve(poll_interval=3600)


def serving(client: httpx.Client) -> str:
    answer = client.post("/recommend", json={"user_id": "17"})
    return str(answer.json()["release_id"])


def test_lists_releases_newest_first(
    client: httpx.Client, releases: tuple[Release, Release]
) -> None:
    response = client.get("/releases")
    ReleasesResponse.model_validate_json(response.content, strict=True, extra="forbid")
    answer = response.json()
    assert {summary["id"] for summary in answer["releases"]} == {release.id for release in releases}
    assert [summary["id"] for summary in answer["releases"] if summary["current"]] == [
        releases[1].id
    ]
    assert answer["serving"] == releases[1].id
    assert answer["releases"][0]["bits"] == 16
    assert answer["last_retraining"] is None


def test_returns_the_last_retraining(client: httpx.Client, store: ReleaseStore) -> None:
    status = RetrainingStatus(
        "2026-11-26T03:00:00Z", "2026-11-26T03:05:00Z", "refused", "worse", None
    )
    status.write(store.root)
    response = client.get("/releases")
    ReleasesResponse.model_validate_json(response.content, strict=True, extra="forbid")
    assert response.json()["last_retraining"] == vars(status)


def test_activates_a_release_and_rolls_back(
    client: httpx.Client, releases: tuple[Release, Release]
) -> None:
    first, second = releases
    response = client.post(f"/releases/{first.id}/activate", json={})
    ActiveResponse.model_validate_json(response.content, strict=True, extra="forbid")
    assert (response.json()["release_id"], serving(client)) == (first.id, first.id)
    response = client.post("/releases/rollback", json={})
    assert (response.json()["release_id"], serving(client)) == (second.id, second.id)


def test_rejects_unknown_and_damaged_releases(
    client: httpx.Client, releases: tuple[Release, Release], problem_in: ProblemIn, tmp_path: Path
) -> None:
    first, second = releases
    for name in ("20260101T000000Z-00000000", "nonsense"):
        problem_in(client.post(f"/releases/{name}/activate", json={}), "unknown-release", 404)
    with (first.path / "popularity.npy").open("ab") as file:
        file.write(b"7")
    response = client.post(f"/releases/{first.id}/activate", json={})
    problem = problem_in(response, "release-refused", 409)
    assert "popularity.npy" in problem["detail"]
    assert str(tmp_path) not in response.text
    assert str(tmp_path) not in client.get("/releases").text
    damage = {
        summary["id"]: summary["damage"] for summary in client.get("/releases").json()["releases"]
    }
    assert damage[second.id] is None
    assert damage[first.id]
    problem_in(client.post("/releases/rollback", json={}), "unknown-release", 404)
    assert serving(client) == second.id


def test_compares_with_a_release_that_is_not_served(
    client: httpx.Client, releases: tuple[Release, Release], problem_in: ProblemIn
) -> None:
    first, second = releases
    query = {"user_id": "17", "k": 5}
    for release in (first, second, first):
        answer = client.post(f"/releases/{release.id}/recommend", json=query).json()
        assert answer["release_id"] == release.id
        expected = Recommender(release).recommend("17", QueryOptions(5))
        assert [item["id"] for item in answer["items"]] == expected.item_ids
    assert serving(client) == second.id
    response = client.post("/releases/20260101T000000Z-00000000/recommend", json=query)
    problem_in(response, "unknown-release", 404)
    with (first.path / "popularity.npy").open("ab") as file:
        file.write(b"7")
    client.post(f"/releases/{second.id}/recommend", json=query)
    assert client.post(f"/releases/{first.id}/recommend", json=query).status_code == 200


@pytest.mark.parametrize("name", ["CURRENT", "activations.jsonl"])
@pytest.mark.parametrize("change", ["{first}/activate", "rollback"])
def test_reports_a_read_only_store(
    client: httpx.Client,
    store: ReleaseStore,
    releases: tuple[Release, Release],
    problem_in: ProblemIn,
    name: str,
    change: str,
) -> None:
    before = (store.root / name).read_bytes()
    (store.root / name).unlink()
    (store.root / name).mkdir()
    response = client.post(f"/releases/{change.format(first=releases[0].id)}", json={})
    if name == "activations.jsonl" and change == "rollback":
        assert response.status_code in (404, 409)
    else:
        problem = problem_in(response, "release-refused", 409)
        assert "Is a directory" in problem["detail"]
        assert str(store.root.parent) not in problem["detail"]
    assert serving(client) == releases[1].id
    (store.root / name).rmdir()
    (store.root / name).write_bytes(before)
    assert client.post(f"/releases/{releases[0].id}/activate", json={}).status_code == 200
