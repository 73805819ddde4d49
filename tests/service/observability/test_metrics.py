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


def samples_of(client: httpx.Client) -> dict[tuple[str, ...], float]:
    """All samples by name and label values."""
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


def test_counts_requests_and_recommendations(client: httpx.Client) -> None:
    for user in ("17", "17", "new user"):
        client.post("/recommend", json={"user_id": user})
    client.post("/recommend/batch", json={"user_ids": ["17", "none seen"]})
    client.post("/recommend", json={})
    client.post("/similar", json={"item_id": "item 3"})
    client.get("/nothing/at/all")
    client.get("/items/item 1")
    values = samples_of(client)
    assert values["bitrecall_requests_total", "POST", "/recommend", "200"] == 3
    assert values["bitrecall_requests_total", "POST", "/recommend", "422"] == 1
    assert values["bitrecall_requests_total", "GET", "other", "404"] == 1
    assert values["bitrecall_requests_total", "GET", "/items/{id}", "200"] == 1
    assert values["bitrecall_request_seconds_count", "/recommend"] == 4
    # An unknown user has no code to search with.
    assert values["bitrecall_search_seconds_count",] == 4
    assert values["bitrecall_answers_total", "codes"] == 4
    assert values["bitrecall_answers_total", "popular"] == 1


def test_counts_events(client: httpx.Client) -> None:
    event = {"user_id": "17", "item_id": "new", "id": "1"}
    client.post("/events", json={"events": [event, event, {**event, "id": "2"}]})
    values = samples_of(client)
    assert values["bitrecall_events_total", "accepted"] == 2
    assert values["bitrecall_events_total", "duplicate"] == 1


def test_describes_the_release(client: httpx.Client) -> None:
    ready = client.get("/readyz").json()["release_id"]
    values = samples_of(client)
    assert values["bitrecall_release_info", ready] == 1
    assert values["bitrecall_release_quality", "recall@50", "test"] == 0.25
    assert values["bitrecall_release_created_timestamp_seconds",] > 1_700_000_000
    assert values["bitrecall_items", "release"] == 60
    assert values["bitrecall_failed_loads",] == 0


def test_describes_the_last_retraining(client: httpx.Client, tmp_path: Path) -> None:
    assert not [name for name, *_ in samples_of(client) if "last_retraining" in name]
    RetrainingStatus("2026-11-26T03:00:00Z", "2026-11-26T03:05:00Z", "no new data", "", None).write(
        tmp_path / "releases"
    )
    finished = samples_of(client)[
        "bitrecall_last_retraining_finished_timestamp_seconds", "no new data"
    ]
    assert finished == 1_795_662_300


def test_has_other_metrics_without_a_release(serve: Callable[..., httpx.Client]) -> None:
    values = samples_of(serve())
    assert ("bitrecall_failed_loads",) in values
    assert not any(name == "bitrecall_items" for name, *_ in values)
