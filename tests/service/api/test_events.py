"""``POST /events`` and ``DELETE /users/{id}`` over HTTP, and their effect on recommendations."""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import text

from bitrecall.events.database import engine_of
from bitrecall.events.position import LogPosition, position_after
from bitrecall.events.store import EventStore
from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.schemas.events import EventsResponse, ForgottenResponse
from bitrecall.service.api.schemas.responses import ReadyResponse, UserResponse

pytestmark = pytest.mark.slow

Serve = Callable[..., httpx.Client]
ProblemIn = Callable[..., dict[str, Any]]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def client(
    request: pytest.FixtureRequest,
    serve: Serve,
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
) -> httpx.Client:
    """A service with the test release, and with each kind of events database."""
    ReleaseStore(tmp_path / "releases").publish(contents())
    settings: dict[str, Any] = {"poll_interval": 0.05, "new_item_users": 2}
    if request.param == "postgresql":
        settings["events"] = request.getfixturevalue("postgres_url")
    client = serve(**settings)
    client.events_url = settings.get("events", f"sqlite:///{tmp_path}/events.db")  # type: ignore[attr-defined]
    return client


def post(client: httpx.Client, *events: dict[str, Any]) -> tuple[int, int]:
    response = client.post("/events", json={"events": list(events)})
    assert response.status_code == 200, response.text
    answer = EventsResponse.model_validate_json(response.content, strict=True, extra="forbid")
    return answer.accepted, answer.duplicates


def _from_now(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def event_of(user: str, item: str, **members: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, **members}


def recommended(client: httpx.Client, user: str, **members: Any) -> dict[str, Any]:
    answer = client.post("/recommend", json={"user_id": user, "k": 60, **members})
    assert answer.status_code == 200
    result: dict[str, Any] = answer.json()
    return result


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


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
    given = client.post("/recommend", json={"history": ["item 7"], "k": 60}).json()
    assert ids(answer) == ids(given)


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


def test_a_forgotten_user_is_unknown(client: httpx.Client) -> None:
    post(
        client, event_of("17", "item 7"), event_of("17", "item 8"), event_of("none seen", "item 9")
    )
    response = client.delete("/users/17")
    ForgottenResponse.model_validate_json(response.content, strict=True, extra="forbid")
    assert response.json() == {"id": "17", "events": 2}
    answer = recommended(client, "17")
    assert (answer["source"], len(answer["items"])) == ("popular", 60)
    user = client.get("/users/17").json()
    assert (user["known"], user["seen"], user["fresh"]) == (False, 0, 0)
    assert recommended(client, "none seen")["source"] == "codes+history"
    post(client, event_of("17", "item 7"))
    assert recommended(client, "17")["source"] == "history"


@pytest.mark.parametrize(
    ("path", "message"), [("/users/", "is empty"), ("/users/a%00b", "contains U+0000")]
)
def test_rejects_forgetting_an_invalid_id(
    client: httpx.Client, problem_in: ProblemIn, path: str, message: str
) -> None:
    problem = problem_in(client.delete(path), "invalid-request", 422)
    assert problem["detail"] == f"the id in the path {message}"


def test_forgets_a_user_by_the_id_in_events(client: httpx.Client) -> None:
    for odd in ("\x1cb", "b\x1f", "\x1e b"):
        post(client, event_of("b", "item 7"), event_of(odd, "item 8"))
        assert client.get(f"/users/{quote(odd)}").json()["items"] == ["item 8"]
        assert client.delete(f"/users/{quote(odd)}").json() == {"id": odd, "events": 1}
        assert client.get("/users/b").json()["items"] == ["item 7"]
    assert client.delete("/users/%20b%C2%85").json() == {"id": "b", "events": 3}


def test_forgets_a_user_with_a_longer_id_than_events_allow(
    client: httpx.Client,
) -> None:
    assert client.delete(f"/users/{'u' * 2000}").json()["events"] == 0
    assert "details" not in client.get("/readyz").json()


def test_events_survive_a_restart(
    serve: Serve, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    post(serve(), event_of("born now", "item 7"))
    assert recommended(serve(), "born now")["source"] == "history"


def test_a_new_release_uses_events_that_it_was_not_trained_on(
    client: httpx.Client, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    post(
        client, event_of("born now", "item 7"), event_of("17", "new"), event_of("none seen", "new")
    )
    release = ReleaseStore(tmp_path / "releases").publish(contents(seed=1))
    give_up = time.monotonic() + 300
    while recommended(client, "17")["release_id"] != release.id:
        assert time.monotonic() < give_up
    assert recommended(client, "born now")["source"] == "history"
    assert client.get("/items/new").json() == {
        "id": "new",
        "known": "new",
        "popularity": 0,
        "tags": [],
        "attributes": {},
        "release_id": release.id,
    }


def test_a_later_release_does_not_recommend_hidden_items(
    client: httpx.Client, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    post(client, event_of("a", "item 1"))
    events = EventStore(client.events_url)  # type: ignore[attr-defined]
    (first,) = events.after(0)
    position = position_after(events.state().log_id, first)
    events.close()
    later = with_position(contents(seed=1), position)
    store = ReleaseStore(tmp_path / "releases")
    before = store.current_id()
    release = store.publish(later)
    give_up = time.monotonic() + 300
    while recommended(client, "none seen")["release_id"] != release.id:
        assert time.monotonic() < give_up
    best = ids(recommended(client, "none seen"))[0]
    assert before is not None
    store.activate(before)
    while recommended(client, "none seen")["release_id"] != before:
        assert time.monotonic() < give_up
    post(client, event_of("none seen", best, type="hide"))
    store.activate(release.id)
    while recommended(client, "none seen")["release_id"] != release.id:
        assert time.monotonic() < give_up
    assert best not in ids(recommended(client, "none seen"))


def with_position(contents: ReleaseContents, position: LogPosition) -> ReleaseContents:
    data = replace(
        contents.data,
        last_event=position.sequence,
        events_id=position.log_id,
        last_event_digest=position.digest,
    )
    return replace(contents, data=data)


def test_all_events_count_for_a_release_of_another_database(
    serve: Serve,
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A release trained up to event 349, served in another working directory."""
    releases = ReleaseStore(tmp_path / "releases")
    release = releases.publish(with_position(contents(), LogPosition("0" * 32, 349, "0" * 16)))
    client = serve(poll_interval=0.05)
    post(client, event_of("born now", "item 7"), event_of("none seen", "item 3", type="hide"))
    assert recommended(client, "born now")["source"] == "history"
    assert "item 3" not in ids(recommended(client, "none seen"))
    ready = client.get("/readyz").json()
    ReadyResponse.model_validate(ready, strict=True, extra="forbid")
    (message,) = ready["details"]
    assert message.startswith("the release was trained up to event 349 of another events database")
    warnings = [record.getMessage() for record in caplog.records if message in record.getMessage()]
    assert warnings == [f"release {release.id}: {message}"]


def test_only_later_events_count_for_a_release_of_this_database(
    client: httpx.Client, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    post(client, event_of("a", "item 7"), event_of("b", "item 8"))
    url = client.events_url  # type: ignore[attr-defined]
    store = EventStore(url)
    (last,) = store.after(1)
    position = position_after(store.state().log_id, last)
    store.close()
    release = ReleaseStore(tmp_path / "releases").publish(with_position(contents(seed=1), position))
    post(client, event_of("c", "item 9"))
    give_up = time.monotonic() + 300
    while recommended(client, "a")["release_id"] != release.id:
        assert time.monotonic() < give_up
    sources = [recommended(client, user)["source"] for user in ("a", "b", "c")]
    assert sources == ["popular", "popular", "history"]
    assert "details" not in client.get("/readyz").json()


def test_reads_a_restored_database_again(
    client: httpx.Client,
) -> None:
    post(client, event_of("a", "item 7"), event_of("b", "item 8"))
    engine = engine_of(client.events_url)  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM events WHERE user_id = 'b'"))
        connection.execute(text("UPDATE event_log SET id = 'restored'"))
    engine.dispose()
    give_up = time.monotonic() + 300
    while recommended(client, "b")["source"] != "popular":
        assert time.monotonic() < give_up
    assert recommended(client, "a")["source"] == "history"


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
    assert "an RFC 3339 string, such as 2026-11-23T18:00:00Z" in problem["detail"]


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
        while len(rejected) < 4:
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            rejected |= done
        assert recommended(client, "17")["source"] == "codes"
        assert client.get("/releases").status_code == 200
        other.rollback()
    for future in rejected:
        problem_in(future.result(), "too-busy", 503)
    assert {future.result().status_code for future in pending} <= {200, 503}
