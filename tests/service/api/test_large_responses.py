"""Answers of many items: bounded, the same as small ones, given up with their client."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api import recommend

pytestmark = pytest.mark.slow

Serve = Callable[..., httpx.Client]
ProblemIn = Callable[..., dict[str, Any]]


@pytest.fixture
def published(tmp_path: Path, contents: Callable[..., ReleaseContents]) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())


@pytest.mark.parametrize(
    ("path", "asked", "size", "words"),
    [
        ("/recommend", {"user_id": "17", "k": 21, "explain": True}, 210, "k 21, explained"),
        ("/recommend", {"user_id": "17", "k": 201}, 201, "k 201"),
        ("/recommend/batch", {"user_ids": ["17"] * 3, "k": 70}, 210, "3 users × k 70"),
        (
            "/recommend/batch",
            {"user_ids": ["17", "x"], "k": 11, "explain": True},
            220,
            "2 users × k 11, explained",
        ),
        ("/similar", {"item_id": "item 1", "k": 201}, 201, "k 201"),
    ],
)
def test_more_items_than_an_answer_may_have_are_refused_by_name(
    published: None,
    serve: Serve,
    problem_in: ProblemIn,
    path: str,
    asked: dict[str, Any],
    size: int,
    words: str,
) -> None:
    client = serve(max_answer_items=200)
    problem = problem_in(client.post(path, json=asked), "invalid-request", 422)
    (error,) = problem["errors"]
    assert error["pointer"] == "/k"
    assert words in error["detail"]
    assert f"would be {size} items" in error["detail"]
    assert "at most 200 (BITRECALL_MAX_ANSWER_ITEMS)" in error["detail"]
    fitting = {**asked, "k": 10, "explain": False} if "item_id" not in asked else {**asked, "k": 9}
    assert client.post(path, json=fitting).status_code == 200


@pytest.mark.parametrize("explain", [False, True])
def test_a_large_batch_has_the_answer_of_each_user_alone(
    published: None, serve: Serve, explain: bool
) -> None:
    client = serve(max_answer_items=10_000_000)
    users = ["17", "nobody", "all seen", "17", "Ωμέγα 🛶", "none seen"] * 150
    asked = {"k": 40, "explain": explain}
    batch = client.post("/recommend/batch", json={**asked, "user_ids": users}).json()
    alone = {
        user: client.post("/recommend", json={**asked, "user_id": user}).json()
        for user in dict.fromkeys(users)
    }
    assert [one["user_id"] for one in batch["answers"]] == users
    for one in batch["answers"]:
        assert one["items"] == alone[one["user_id"]]["items"]
        assert one["source"] == alone[one["user_id"]]["source"]
        assert one.get("shortfall") == alone[one["user_id"]].get("shortfall")


def test_a_large_batch_is_given_up_when_its_client_goes(
    published: None, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(max_answer_items=10_000_000, max_heavy_requests=1)
    users = [f"user {number}" for number in range(400)]
    asked = json.dumps({"user_ids": users, "k": 50}).encode()
    head = (
        "POST /recommend/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(asked)}\r\n\r\n"
    )
    begun, gone = threading.Event(), threading.Event()
    recommend_many_steps = Recommender.recommend_many_steps
    pieces = 0

    def held(self: Recommender, some: list[str], *rest: Any) -> Any:
        nonlocal pieces
        pieces += 1
        begun.set()
        # The work goes on once the client has gone, and the service has been told so.
        assert gone.wait(300)
        return recommend_many_steps(self, some, *rest)

    with (
        patch.object(Recommender, "recommend_many_steps", held),
        patch.object(recommend, "CHUNK_ITEMS", 100),
    ):
        with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
            connection.sendall(head.encode() + asked)
            assert begun.wait(300)
        # Two round trips of the loop later it has seen the end of the connection.
        for _ in range(2):
            assert client.get("/livez").status_code == 200
        gone.set()
        small = {"user_ids": ["17"], "k": 5001}
        assert client.post("/recommend/batch", json={**small, "k": 1000}).status_code == 200
    assert pieces <= 3
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
