"""``GET /metrics`` over HTTP, and with several workers."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.index.releases.store import ReleaseStore


@pytest.fixture
def client(
    serve: Callable[..., httpx.Client], tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> httpx.Client:
    store = ReleaseStore(tmp_path / "releases")
    store.publish(contents(), measure=lambda _: {"split": "test", "recall@50": 0.25})
    return serve(poll_interval=0.05, new_item_users=1)


def told(client: httpx.Client) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_requests_and_answers_are_counted(client: httpx.Client) -> None:
    for user in ("17", "17", "a stranger"):
        client.post("/recommend", json={"user_id": user})
    client.post("/recommend/batch", json={"user_ids": ["17", "none seen"]})
    client.post("/recommend", json={})
    client.post("/similar", json={"item_id": "item 3"})
    client.get("/nothing/at/all")
    client.get("/items/item 1")
    found = told(client)
    assert found["bitrecall_requests_total", "POST", "/recommend", "200"] == 3
    assert found["bitrecall_requests_total", "POST", "/recommend", "422"] == 1
    assert found["bitrecall_requests_total", "GET", "other", "404"] == 1
    assert found["bitrecall_requests_total", "GET", "/items/{id}", "200"] == 1
    assert found["bitrecall_request_seconds_count", "/recommend"] == 4
    # Of a stranger nothing is known to search with.
    assert found["bitrecall_search_seconds_count",] == 4
    assert found["bitrecall_answers_total", "codes"] == 4
    assert found["bitrecall_answers_total", "popular"] == 1


def test_events_are_counted(client: httpx.Client) -> None:
    event = {"user_id": "17", "item_id": "new", "id": "1"}
    client.post("/events", json={"events": [event, event, {**event, "id": "2"}]})
    found = told(client)
    assert found["bitrecall_events_total", "accepted"] == 2
    assert found["bitrecall_events_total", "duplicate"] == 1


def test_the_release_is_told_of(client: httpx.Client) -> None:
    ready = client.get("/readyz").json()["release_id"]
    found = told(client)
    assert found["bitrecall_release_info", ready] == 1
    assert found["bitrecall_release_quality", "recall@50", "test"] == 0.25
    assert found["bitrecall_release_created_timestamp_seconds",] > 1_700_000_000
    assert found["bitrecall_items", "release"] == 60
    assert found["bitrecall_failed_loads",] == 0


def test_the_last_night_is_told_of(client: httpx.Client, tmp_path: Path) -> None:
    assert not [name for name, *_ in told(client) if "night" in name]
    RetrainingStatus("2026-11-26T03:00:00Z", "2026-11-26T03:05:00Z", "no new data", "", None).write(
        tmp_path / "releases"
    )
    at = told(client)["bitrecall_last_retraining_finished_timestamp_seconds", "no new data"]
    assert at == 1_795_662_300


def test_without_a_release_there_is_the_rest(serve: Callable[..., httpx.Client]) -> None:
    found = told(serve())
    assert ("bitrecall_failed_loads",) in found
    assert not any(name == "bitrecall_items" for name, *_ in found)
