"""A database file that disappears, or is replaced, while the service runs."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
from bitrecall.index.releases.release import ReleaseContents
from bitrecall.index.releases.store import ReleaseStore

Serve = Callable[..., httpx.Client]
ProblemIn = Callable[..., dict[str, Any]]


def send_event(client: httpx.Client, user: str, item: str) -> httpx.Response:
    return client.post("/events", json={"events": [{"user_id": user, "item_id": item}]})


def source_of(client: httpx.Client, user: str) -> str:
    return str(client.post("/recommend", json={"user_id": user}).json()["source"])


def test_rejects_events_while_the_file_is_missing(
    serve: Serve,
    tmp_path: Path,
    contents: Callable[..., ReleaseContents],
    problem_in: ProblemIn,
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    folder = tmp_path / "data"
    folder.mkdir()
    client = serve(poll_interval=0.05, events=f"sqlite:///{folder}/events.db")
    assert send_event(client, "a", "item 1").status_code == 200
    away = folder.rename(tmp_path / "away")
    for _ in range(2):
        problem_in(send_event(client, "b", "item 2"), "events-not-kept", 503)
        assert client.post("/recommend", json={"user_id": "17"}).status_code == 200
    assert not folder.exists()
    give_up = time.monotonic() + 300
    while "details" not in client.get("/readyz").json():
        assert time.monotonic() < give_up
    away.rename(folder)
    assert send_event(client, "c", "item 3").status_code == 200
    store = EventStore(f"sqlite:///{folder}/events.db", create=False)
    assert [event.user_id for event in store.after(0)] == ["a", "c"]
    store.close()


def test_reads_a_replaced_file_again(
    serve: Serve, tmp_path: Path, contents: Callable[..., ReleaseContents]
) -> None:
    ReleaseStore(tmp_path / "releases").publish(contents())
    client = serve(poll_interval=0.05)
    assert send_event(client, "a", "item 1").status_code == 200
    assert source_of(client, "a") == "history"
    other = EventStore(f"sqlite:///{tmp_path}/other.db")
    other.append([Event("b", "item 2", "view", 1.0), Event("c", "item 3", "view", 1.0)])
    other.close()
    (tmp_path / "other.db").replace(tmp_path / "events.db")
    assert send_event(client, "d", "item 4").status_code == 200
    sources = {user: source_of(client, user) for user in "abcd"}
    assert sources == {"a": "popular", "b": "history", "c": "history", "d": "history"}
