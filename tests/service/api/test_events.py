"""``POST /events`` over HTTP, and its effect on recommendations."""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.schemas.responses import UserResponse
from tests.tools.event_requests import event_of, ids, post, recommended

pytestmark = pytest.mark.slow

Serve = Callable[..., httpx.Client]
ProblemIn = Callable[..., dict[str, Any]]


@pytest.fixture
def client(events_client: httpx.Client) -> httpx.Client:
    return events_client


def _from_now(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def test_does_not_recommend_an_item_after_its_event(client: httpx.Client) -> None:
    for number in range(5):
        best = ids(recommended(client, "none seen"))[0]
        assert post(client, event_of("none seen", best)) == (1, 0)
        answer = recommended(client, "none seen")
        assert best not in ids(answer)
        assert answer["source"] == "codes+history"
        assert len(answer["items"]) == 60 - number - 1
    assert best in ids(recommended(client, "none seen", exclude_seen=False))


def test_a_new_user_gets_personal_results_after_the_first_event(client: httpx.Client) -> None:
    assert recommended(client, "born now")["source"] == "popular"
    post(client, event_of("born now", "item 7"))
    answer = recommended(client, "born now", explain=True)
    assert answer["source"] == "history"
    assert answer["items"][0]["because"][0]["id"] == "item 7"
    expected = client.post("/recommend", json={"history": ["item 7"], "k": 60}).json()
    assert ids(answer) == ids(expected)


def test_does_not_recommend_hidden_items(client: httpx.Client) -> None:
    best = ids(recommended(client, "none seen"))[0]
    post(client, event_of("none seen", best, type="hide"))
    for members in ({}, {"exclude_seen": False}, {"history": ["item 2"]}):
        assert best not in ids(recommended(client, "none seen", **members))
    assert recommended(client, "none seen")["source"] == "codes"


def test_an_event_with_an_id_counts_once(client: httpx.Client) -> None:
    event = event_of("a", "item 1", id="order 1", time="2026-11-23T18:00:00+01:00", type="buy")
    assert post(client, event, event) == (1, 1)
    assert post(client, event, event_of("a", "item 2", id="order 2")) == (1, 1)
    user = client.get("/users/a")
    UserResponse.model_validate_json(user.content, strict=True, extra="forbid")
    assert user.json()["fresh"] == 2


def test_recommends_a_new_item_once_it_has_enough_users(client: httpx.Client) -> None:
    post(client, event_of("17", "brand/new"), event_of("new user", "brand/new"))
    assert client.get("/items/brand/new").json()["known"] == "no"
    post(client, event_of("none seen", "brand/new"))
    give_up = time.monotonic() + 300
    while client.get("/items/brand/new").json()["known"] != "new":
        assert time.monotonic() < give_up
    assert "brand/new" in ids(recommended(client, "user, with comma", k=61))
    assert "brand/new" not in ids(recommended(client, "17", k=61))
    similar = client.post("/similar", json={"item_id": "brand/new", "k": 3}).json()
    assert len(similar["items"]) == 3


def test_events_survive_a_restart(
    serve: Serve, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    post(serve(), event_of("born now", "item 7"))
    assert recommended(serve(), "born now")["source"] == "history"


@pytest.mark.parametrize(
    ("event", "pointer"),
    [
        ({}, "/events/0/user_id"),
        (event_of("a", ""), "/events/0/item_id"),
        (event_of("a\0", "b"), "/events/0/user_id"),
        (event_of("a", "b" * 1001), "/events/0/item_id"),
        (event_of("a", "b", type="$forget"), "/events/0/type"),
        (event_of("a", "b", type=""), "/events/0/type"),
        (event_of("a", "b", time="yesterday"), "/events/0/time"),
        (event_of("a", "b", time="2026-11-23T18:00:00"), "/events/0/time"),
        (event_of("a", "b", time=1_700_000_000), "/events/0/time"),
        (event_of("a", "b", time="1700000000"), "/events/0/time"),
        (event_of("a", "b", time="20261123"), "/events/0/time"),
        (event_of("a", "b", time="-1000"), "/events/0/time"),
        (event_of("a", "b", time="0001-01-01T00:00:00+14:00"), "/events/0/time"),
        (event_of("a", "b", time="1899-12-31T23:59:59Z"), "/events/0/time"),
        (event_of("a", "b", time="1900-01-01T00:00:00+00:01"), "/events/0/time"),
        (event_of("a", "b", time="9999-12-31T23:59:59-14:00"), "/events/0/time"),
        (event_of("a", "b", time=_from_now(days=2)), "/events/0/time"),
        (event_of("a", "b", id=7), "/events/0/id"),
        (event_of("a", "b", who="c"), "/events/0/who"),
    ],
)
def test_rejects_invalid_events_and_stores_nothing(
    serve: Serve, problem_in: ProblemIn, event: dict[str, Any], pointer: str
) -> None:
    client = serve()
    response = client.post("/events", json={"events": [event, event_of("a", "b")]})
    problem = problem_in(response, "invalid-request", 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]


def test_accepts_times_from_1900_to_a_day_ahead(serve: Serve) -> None:
    client = serve()
    times = ["1900-01-01T00:00:00Z", "1969-12-31T23:59:59Z", _from_now(hours=23, minutes=59)]
    assert post(client, *(event_of("a", "b", time=time) for time in times)) == (3, 0)


def test_rejects_a_time_in_another_format(serve: Serve) -> None:
    event = event_of("a", "b", time="2026-10-03 11:22:33 UTC")
    problem = serve().post("/events", json={"events": [event]}).json()
    assert "an RFC 3339 time, such as 2026-11-23T18:00:00Z" in problem["detail"]


def test_recommends_without_an_events_database(
    serve: Serve,
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
    problem_in: ProblemIn,
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    for events in ("off", "postgresql://me:secret@127.0.0.1:1/nowhere"):
        client = serve(events=events)
        for response in (
            client.post("/events", json={"events": [event_of("a", "b")]}),
            client.delete("/users/17"),
        ):
            problem = problem_in(response, "events-not-kept", 503)
            assert response.headers["retry-after"] == "5"
            assert "secret" not in str(problem)
            assert "127.0.0.1" not in str(problem)
        assert recommended(client, "17")["source"] == "codes"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/events", {"events": [event_of("b", "item 7")]}), ("DELETE", "/users/b", None)],
)
def test_a_locked_database_leaves_capacity_for_recommendations(
    serve: Serve,
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
    problem_in: ProblemIn,
    method: str,
    path: str,
    body: dict[str, Any] | None,
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    client = serve(max_concurrent=4)
    post(client, event_of("a", "item 7"))
    recommended(client, "a")
    with closing(sqlite3.connect(tmp_path / "events.db")) as other, ThreadPoolExecutor(8) as pool:
        other.execute("BEGIN EXCLUSIVE")
        pending: set[Future[httpx.Response]] = {
            pool.submit(client.request, method, path, json=body) for _ in range(8)
        }
        rejected: set[Future[httpx.Response]] = set()
        # Three wait for the database. Until the other five are rejected, one may hold a slot.
        while len(rejected) < 5:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            rejected |= done
        assert recommended(client, "17")["source"] == "codes"
        assert client.get("/releases").status_code == 200
        other.rollback()
    for future in rejected:
        problem_in(future.result(), "too-busy", 503)
    assert {future.result().status_code for future in pending} <= {200, 503}
