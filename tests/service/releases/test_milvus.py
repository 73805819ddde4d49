"""Answers while a real Milvus server searches, goes away and comes back."""

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

ASKED = {"user_id": "17", "k": 5}


def until_answered(client: httpx.Client, path: str, body: dict, wanted: dict) -> None:
    """Ask until the answer is as wanted: a search may take more than its second, and is retried."""
    until = time.monotonic() + 300
    while (answer := client.post(path, json=body).json()) != wanted:
        assert time.monotonic() < until, answer


def test_without_it_the_popular_items_stand_in_until_it_is_back(
    milvus: Any, tmp_path: Path, contents: Callable, serve: Callable, problem_in: Callable
) -> None:
    server = MilvusServer(milvus.url, seconds=30.0)
    mirror = MilvusMirror(server)
    release = ReleaseStore(tmp_path / "releases", mirror).publish(contents())
    alone: httpx.Client = serve()
    client: httpx.Client = serve(milvus=milvus.url)
    try:
        for path, body in {
            "/recommend": ASKED,
            "/recommend/batch": {"user_ids": ["17", "none seen"], "k": 60},
            "/similar": {"item_id": "item 7", "k": 8, "filter": {"any_tags": ["jazz"]}},
        }.items():
            until_answered(client, path, body, alone.post(path, json=body).json())

        milvus.kill()
        degraded = client.post("/recommend", json=ASKED)
        assert degraded.status_code == 200
        answer = degraded.json()
        assert (answer["source"], answer["degraded"]) == ("popular", True)
        assert [item["id"] for item in answer["items"]] == [
            f"item {row}" for row in (2, 3, 4, 6, 7)
        ]
        stranger = client.post("/recommend", json={"user_id": "a stranger"}).json()
        assert "degraded" not in stranger
        similar = client.post("/similar", json={"item_id": "item 7"})
        problem_in(similar, "search-unavailable", 503)
        assert similar.headers["retry-after"] == "1"
        assert client.get("/readyz").status_code == 200
        counted = client.get("/metrics").text
        assert "bitrecall_degraded_answers_total 1.0" in counted

        # One that is started meanwhile answers, too.
        other: httpx.Client = serve(milvus=milvus.url)
        assert other.post("/recommend", json=ASKED).json()["degraded"]

        milvus.start()
        wanted = alone.post("/recommend", json=ASKED).json()
        for one in (client, other):
            until_answered(one, "/recommend", ASKED, wanted)
    finally:
        mirror.keep([])
        server.close()
    assert release.id == wanted["release_id"]


def test_a_release_without_its_collection_is_refused(
    milvus: Any, tmp_path: Path, contents: Callable, serve: Callable
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    client: httpx.Client = serve(milvus=milvus.url)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "has no collection" in answer.json()["detail"]


def test_a_milvus_that_is_no_url_is_refused(tmp_path: Path) -> None:
    from bitrecall.service.environment import load_settings
    from bitrecall.service.errors import SettingsError

    with pytest.raises(SettingsError, match="BITRECALL_MILVUS"):
        load_settings(milvus="milvus:19530")
