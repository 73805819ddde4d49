"""Recommendations while a real Milvus server responds, stops and starts again."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.releases.milvus_mirror import MilvusMirror
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.milvus.server import MilvusServer

pytestmark = pytest.mark.xdist_group("milvus")

QUERY = {"user_id": "17", "k": 5}


def wait_for_response(client: httpx.Client, path: str, body: dict, expected: dict) -> None:
    """Repeat a request until it gets the expected response: searches may time out at first."""
    deadline = time.monotonic() + 300
    while (answer := client.post(path, json=body).json()) != expected:
        assert time.monotonic() < deadline, answer


def test_returns_popular_items_while_milvus_does_not_respond(
    milvus: Any, tmp_path: Path, contents: Callable, serve: Callable, problem_in: Callable
) -> None:
    server = MilvusServer(milvus.url, timeout=30.0)
    mirror = MilvusMirror(server)
    release = ReleaseStore(tmp_path / "releases", mirror).publish(contents())
    local: httpx.Client = serve()
    client: httpx.Client = serve(milvus=milvus.url)
    try:
        for path, body in {
            "/recommend": QUERY,
            "/recommend/batch": {"user_ids": ["17", "none seen"], "k": 60},
            "/similar": {"item_id": "item 7", "k": 8, "filter": {"any_tags": ["jazz"]}},
        }.items():
            wait_for_response(client, path, body, local.post(path, json=body).json())

        milvus.kill()
        degraded = client.post("/recommend", json=QUERY)
        assert degraded.status_code == 200
        answer = degraded.json()
        assert (answer["source"], answer["degraded"]) == ("popular", True)
        assert [item["id"] for item in answer["items"]] == [
            f"item {row}" for row in (2, 3, 4, 6, 7)
        ]
        unknown_user = client.post("/recommend", json={"user_id": "new user"}).json()
        assert "degraded" not in unknown_user
        similar = client.post("/similar", json={"item_id": "item 7"})
        problem_in(similar, "search-unavailable", 503)
        assert similar.headers["retry-after"] == "1"
        assert client.get("/readyz").status_code == 200
        metrics = client.get("/metrics").text
        assert "bitrecall_degraded_answers_total 1.0" in metrics

        # A service started meanwhile responds, too.
        other: httpx.Client = serve(milvus=milvus.url)
        assert other.post("/recommend", json=QUERY).json()["degraded"]

        milvus.start()
        expected = local.post("/recommend", json=QUERY).json()
        for service in (client, other):
            wait_for_response(service, "/recommend", QUERY, expected)
    finally:
        mirror.keep([])
        server.close()
    assert release.id == expected["release_id"]


def test_rejects_a_release_without_its_collection(
    milvus: Any, tmp_path: Path, contents: Callable, serve: Callable
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    client: httpx.Client = serve(milvus=milvus.url)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "has no collection" in answer.json()["detail"]


def test_rejects_a_milvus_setting_that_is_not_a_url(tmp_path: Path) -> None:
    from bitrecall.service.environment import load_settings
    from bitrecall.service.errors import SettingsError

    with pytest.raises(SettingsError, match="BITRECALL_MILVUS"):
        load_settings(milvus="milvus:19530")
