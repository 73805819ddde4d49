"""The events that count for a release: those after its position in the log of this database."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from bitrecall.events.engine import make_engine
from bitrecall.events.position import LogPosition, position_after
from bitrecall.events.store import EventStore
from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.service.api.schemas.responses import ReadyResponse
from tests.tools.event_requests import event_of, ids, post, recommended

pytestmark = pytest.mark.slow

Serve = Callable[..., httpx.Client]


@pytest.fixture
def client(events_client: httpx.Client) -> httpx.Client:
    return events_client


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
    engine = make_engine(client.events_url)  # type: ignore[attr-defined]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM events WHERE user_id = 'b'"))
        connection.execute(text("UPDATE event_log SET id = 'restored'"))
    engine.dispose()
    give_up = time.monotonic() + 300
    while recommended(client, "b")["source"] != "popular":
        assert time.monotonic() < give_up
    assert recommended(client, "a")["source"] == "history"
