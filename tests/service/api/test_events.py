"""``POST /events`` and ``DELETE /users/{id}`` over HTTP, and what answers make of them."""

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
from bitrecall.service.api.schemas.answers import ReadyResponse, UserResponse
from bitrecall.service.api.schemas.events import EventsResponse, ForgottenResponse

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
    """A service with the release of the tests, and events in each kind of database in turn."""
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


def took(user: str, item: str, **more: Any) -> dict[str, Any]:
    return {"user_id": user, "item_id": item, **more}


def recommended(client: httpx.Client, user: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/recommend", json={"user_id": user, "k": 60, **more})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


def test_what_was_just_taken_is_not_in_the_next_answer(client: httpx.Client) -> None:
    for number in range(5):
        best = ids(recommended(client, "none seen"))[0]
        assert post(client, took("none seen", best)) == (1, 0)
        answer = recommended(client, "none seen")
        assert best not in ids(answer)
        assert answer["source"] == "codes+history"
        assert len(answer["items"]) == 60 - number - 1
    assert best in ids(recommended(client, "none seen", exclude_seen=False))


def test_a_stranger_has_a_personal_answer_after_the_first_event(client: httpx.Client) -> None:
    assert recommended(client, "born now")["source"] == "popular"
    post(client, took("born now", "item 7"))
    answer = recommended(client, "born now", explain=True)
    assert answer["source"] == "history"
    assert answer["items"][0]["because"][0]["id"] == "item 7"
    given = client.post("/recommend", json={"history": ["item 7"], "k": 60}).json()
    assert ids(answer) == ids(given)


def test_what_is_hidden_stays_away(client: httpx.Client) -> None:
    best = ids(recommended(client, "none seen"))[0]
    post(client, took("none seen", best, type="hide"))
    for more in ({}, {"exclude_seen": False}, {"history": ["item 2"]}):
        assert best not in ids(recommended(client, "none seen", **more))
    assert recommended(client, "none seen")["source"] == "codes"


def test_an_id_counts_once_however_often_it_is_sent(client: httpx.Client) -> None:
    event = took("a", "item 1", id="order 1", time="2026-11-23T18:00:00+01:00", type="buy")
    assert post(client, event, event) == (1, 1)
    assert post(client, event, took("a", "item 2", id="order 2")) == (1, 1)
    user = client.get("/users/a")
    UserResponse.model_validate_json(user.content, strict=True, extra="forbid")
    assert user.json()["fresh"] == 2


def test_a_new_item_is_found_once_enough_users_have_taken_it(client: httpx.Client) -> None:
    post(client, took("17", "brand/new"), took("a stranger", "brand/new"))
    assert client.get("/items/brand/new").json()["known"] == "no"
    post(client, took("none seen", "brand/new"))
    give_up = time.monotonic() + 300
    while client.get("/items/brand/new").json()["known"] != "new":
        assert time.monotonic() < give_up
    assert "brand/new" in ids(recommended(client, "user, with comma", k=61))
    assert "brand/new" not in ids(recommended(client, "17", k=61))
    similar = client.post("/similar", json={"item_id": "brand/new", "k": 3}).json()
    assert len(similar["items"]) == 3


def test_whoever_is_forgotten_is_a_stranger(client: httpx.Client) -> None:
    post(client, took("17", "item 7"), took("17", "item 8"), took("none seen", "item 9"))
    response = client.delete("/users/17")
    ForgottenResponse.model_validate_json(response.content, strict=True, extra="forbid")
    assert response.json() == {"id": "17", "events": 2}
    answer = recommended(client, "17")
    assert (answer["source"], len(answer["items"])) == ("popular", 60)
    user = client.get("/users/17").json()
    assert (user["known"], user["seen"], user["fresh"]) == (False, 0, 0)
    assert recommended(client, "none seen")["source"] == "codes+history"
    post(client, took("17", "item 7"))
    assert recommended(client, "17")["source"] == "history"


@pytest.mark.parametrize(
    ("path", "said"), [("/users/", "is empty"), ("/users/a%00b", "contains U+0000")]
)
def test_nobody_of_an_id_that_cannot_be_is_forgotten(
    client: httpx.Client, problem_in: ProblemIn, path: str, said: str
) -> None:
    problem = problem_in(client.delete(path), "invalid-request", 422)
    assert problem["detail"] == f"the id in the path {said}"


def test_a_user_is_forgotten_by_the_id_that_events_were_sent_with(client: httpx.Client) -> None:
    for odd in ("\x1cb", "b\x1f", "\x1e b"):
        post(client, took("b", "item 7"), took(odd, "item 8"))
        assert client.get(f"/users/{quote(odd)}").json()["items"] == ["item 8"]
        assert client.delete(f"/users/{quote(odd)}").json() == {"id": odd, "events": 1}
        assert client.get("/users/b").json()["items"] == ["item 7"]
    assert client.delete("/users/%20b%C2%85").json() == {"id": "b", "events": 3}


def test_whoever_has_a_longer_id_than_events_may_have_can_be_forgotten(
    client: httpx.Client,
) -> None:
    assert client.delete(f"/users/{'u' * 2000}").json()["events"] == 0
    assert "details" not in client.get("/readyz").json()


def test_events_outlive_the_service(
    serve: Serve, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    post(serve(), took("born now", "item 7"))
    assert recommended(serve(), "born now")["source"] == "history"


def test_a_new_release_knows_the_events_that_it_was_not_trained_on(
    client: httpx.Client, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    post(client, took("born now", "item 7"), took("17", "new"), took("none seen", "new"))
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


def test_what_is_hidden_stays_away_from_releases_that_were_trained_after(
    client: httpx.Client, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    post(client, took("a", "item 1"))
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
    post(client, took("none seen", best, type="hide"))
    store.activate(release.id)
    while recommended(client, "none seen")["release_id"] != release.id:
        assert time.monotonic() < give_up
    assert best not in ids(recommended(client, "none seen"))


def with_position(made: ReleaseContents, position: LogPosition) -> ReleaseContents:
    data = replace(
        made.data,
        last_event=position.sequence,
        events_id=position.log_id,
        last_event_digest=position.digest,
    )
    return replace(made, data=data)


def test_a_release_of_another_database_lets_all_events_count(
    serve: Serve,
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A release trained up to event 349, served in another working directory."""
    releases = ReleaseStore(tmp_path / "releases")
    release = releases.publish(with_position(contents(), LogPosition("0" * 32, 349, "0" * 16)))
    client = serve(poll_interval=0.05)
    post(client, took("born now", "item 7"), took("none seen", "item 3", type="hide"))
    assert recommended(client, "born now")["source"] == "history"
    assert "item 3" not in ids(recommended(client, "none seen"))
    ready = client.get("/readyz").json()
    ReadyResponse.model_validate(ready, strict=True, extra="forbid")
    (said,) = ready["details"]
    assert said.startswith("the release was trained up to event 349 of another events database")
    told = [record.getMessage() for record in caplog.records if said in record.getMessage()]
    assert told == [f"release {release.id}: {said}"]


def test_a_release_of_this_database_goes_on_after_its_last_event(
    client: httpx.Client, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    post(client, took("a", "item 7"), took("b", "item 8"))
    url = client.events_url  # type: ignore[attr-defined]
    store = EventStore(url)
    (last,) = store.after(1)
    position = position_after(store.state().log_id, last)
    store.close()
    release = ReleaseStore(tmp_path / "releases").publish(with_position(contents(seed=1), position))
    post(client, took("c", "item 9"))
    give_up = time.monotonic() + 300
    while recommended(client, "a")["release_id"] != release.id:
        assert time.monotonic() < give_up
    sources = [recommended(client, user)["source"] for user in ("a", "b", "c")]
    assert sources == ["popular", "popular", "history"]
    assert "details" not in client.get("/readyz").json()


def test_a_database_that_is_put_back_under_the_service_is_read_anew(
    client: httpx.Client,
) -> None:
    post(client, took("a", "item 7"), took("b", "item 8"))
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
        (took("a", ""), "/events/0/item_id"),
        (took("a\0", "b"), "/events/0/user_id"),
        (took("a", "b" * 1001), "/events/0/item_id"),
        (took("a", "b", type="$forget"), "/events/0/type"),
        (took("a", "b", type=""), "/events/0/type"),
        (took("a", "b", time="yesterday"), "/events/0/time"),
        (took("a", "b", time="2026-11-23T18:00:00"), "/events/0/time"),
        (took("a", "b", time=1_700_000_000), "/events/0/time"),
        (took("a", "b", time="1700000000"), "/events/0/time"),
        (took("a", "b", time="20261123"), "/events/0/time"),
        (took("a", "b", time="-1000"), "/events/0/time"),
        (took("a", "b", time="0001-01-01T00:00:00+14:00"), "/events/0/time"),
        (took("a", "b", time="1899-12-31T23:59:59Z"), "/events/0/time"),
        (took("a", "b", time="1900-01-01T00:00:00+00:01"), "/events/0/time"),
        (took("a", "b", time="9999-12-31T23:59:59-14:00"), "/events/0/time"),
        (took("a", "b", time=_from_now(days=2)), "/events/0/time"),
        (took("a", "b", id=7), "/events/0/id"),
        (took("a", "b", who="c"), "/events/0/who"),
    ],
)
def test_an_event_that_is_none_is_refused_and_nothing_kept(
    serve: Serve, problem_in: ProblemIn, event: dict[str, Any], pointer: str
) -> None:
    client = serve()
    response = client.post("/events", json={"events": [event, took("a", "b")]})
    problem = problem_in(response, "invalid-request", 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]


def test_times_from_1900_to_a_day_ahead_are_taken(serve: Serve) -> None:
    client = serve()
    times = ["1900-01-01T00:00:00Z", "1969-12-31T23:59:59Z", _from_now(hours=23, minutes=59)]
    assert post(client, *(took("a", "b", time=time) for time in times)) == (3, 0)


def test_a_time_in_another_form_is_refused_with_an_example(serve: Serve) -> None:
    event = took("a", "b", time="2026-10-03 11:22:33 UTC")
    problem = serve().post("/events", json={"events": [event]}).json()
    assert "as in RFC 3339, such as 2026-11-23T18:00:00Z" in problem["detail"]


def test_without_a_database_events_are_refused_and_answers_go_on(
    serve: Serve,
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
    problem_in: ProblemIn,
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    for events in ("off", "postgresql://me:secret@127.0.0.1:1/nowhere"):
        client = serve(events=events)
        for response in (
            client.post("/events", json={"events": [took("a", "b")]}),
            client.delete("/users/17"),
        ):
            problem = problem_in(response, "events-not-kept", 503)
            assert response.headers["retry-after"] == "5"
            assert "secret" not in str(problem)
            assert "127.0.0.1" not in str(problem)
        assert recommended(client, "17")["source"] == "codes"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/events", {"events": [took("b", "item 7")]}), ("DELETE", "/users/b", None)],
)
def test_a_locked_database_leaves_room_for_answers(
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
    post(client, took("a", "item 7"))
    recommended(client, "a")
    with closing(sqlite3.connect(tmp_path / "events.db")) as other, ThreadPoolExecutor(8) as pool:
        other.execute("BEGIN EXCLUSIVE")
        asked: set[Future[httpx.Response]] = {
            pool.submit(client.request, method, path, json=body) for _ in range(8)
        }
        refused: set[Future[httpx.Response]] = set()
        while len(refused) < 4:
            done, asked = wait(asked, return_when=FIRST_COMPLETED)
            refused |= done
        assert recommended(client, "17")["source"] == "codes"
        assert client.get("/releases").status_code == 200
        other.rollback()
    for one in refused:
        problem_in(one.result(), "too-busy", 503)
    assert {one.result().status_code for one in asked} <= {200, 503}
