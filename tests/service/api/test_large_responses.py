"""Responses with many items: limited, equal to small ones, cancelled with their client."""

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
    ("path", "query", "size", "words"),
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
def test_rejects_requests_for_too_many_items(
    published: None,
    serve: Serve,
    problem_in: ProblemIn,
    path: str,
    query: dict[str, Any],
    size: int,
    words: str,
) -> None:
    client = serve(max_answer_items=200)
    problem = problem_in(client.post(path, json=query), "invalid-request", 422)
    (error,) = problem["errors"]
    assert error["pointer"] == "/k"
    assert words in error["detail"]
    assert f"would be {size} items" in error["detail"]
    assert "the maximum per response is 200 (BITRECALL_MAX_ANSWER_ITEMS)" in error["detail"]
    fitting = {**query, "k": 10, "explain": False} if "item_id" not in query else {**query, "k": 9}
    assert client.post(path, json=fitting).status_code == 200


@pytest.mark.parametrize("explain", [False, True])
def test_a_large_batch_equals_single_requests(published: None, serve: Serve, explain: bool) -> None:
    client = serve(max_answer_items=10_000_000)
    users = ["17", "nobody", "all seen", "17", "Ωμέγα 🛶", "none seen"] * 150
    query = {"k": 40, "explain": explain}
    batch = client.post("/recommend/batch", json={**query, "user_ids": users}).json()
    single = {
        user: client.post("/recommend", json={**query, "user_id": user}).json()
        for user in dict.fromkeys(users)
    }
    assert [answer["user_id"] for answer in batch["answers"]] == users
    for answer in batch["answers"]:
        assert answer["items"] == single[answer["user_id"]]["items"]
        assert answer["source"] == single[answer["user_id"]]["source"]
        assert answer.get("shortfall") == single[answer["user_id"]].get("shortfall")


def test_cancels_a_large_batch_when_the_client_disconnects(
    published: None, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    client = serve(max_answer_items=10_000_000, max_heavy_requests=1)
    users = [f"user {number}" for number in range(400)]
    query = json.dumps({"user_ids": users, "k": 50}).encode()
    head = (
        "POST /recommend/batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(query)}\r\n\r\n"
    )
    started, disconnected = threading.Event(), threading.Event()
    recommend_many_steps = Recommender.recommend_many_steps
    chunks = 0

    def blocked(self: Recommender, users_: list[str], *arguments: Any) -> Any:
        nonlocal chunks
        chunks += 1
        started.set()
        # The work continues once the client has disconnected and the service knows that.
        assert disconnected.wait(300)
        return recommend_many_steps(self, users_, *arguments)

    with (
        patch.object(Recommender, "recommend_many_steps", blocked),
        patch.object(recommend, "CHUNK_ITEMS", 100),
    ):
        with socket.create_connection((client.base_url.host, client.base_url.port)) as connection:
            connection.sendall(head.encode() + query)
            assert started.wait(300)
        # After two round trips the event loop has seen the end of the connection.
        for _ in range(2):
            assert client.get("/livez").status_code == 200
        disconnected.set()
        small = {"user_ids": ["17"], "k": 5001}
        assert client.post("/recommend/batch", json={**small, "k": 1000}).status_code == 200
    assert chunks <= 3
    assert not [answer for answer in caplog.records if answer.levelname == "ERROR"]
