import contextlib
import sqlite3
from typing import Any

import pytest

from bitrecall.events.event import Event
from bitrecall.events.store import EventStore
from bitrecall.index.releases.retraining_status import Outcome
from tests.training.retraining.retraining_system import SETTINGS, RetrainingSystem

pytestmark = pytest.mark.slow


def insert_rows(system: RetrainingSystem, *rows: tuple[Any, ...]) -> None:
    """Insert rows with SQL, without the checks of the store."""
    path = system.work.parent / "events.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO events (user_id, item_id, type, at) VALUES (?, ?, ?, ?)", rows
        )


def test_leaves_out_unusable_events_and_reports_them(published: RetrainingSystem, caplog) -> None:
    insert_rows(
        published,
        ("user-1", "item-1", "view", -62135647200.0),
        ("user-2", "item-2", "view", 1e300),
        ("user-3", "item-3", "view", float("inf")),
        ("user-4", "item-4", "view", "soon"),
        ("", "item-5", "view", 1.0),
        ("user-6", b"\xff", "view", 1.0),
        ("user-7", "item\0", "view", 1.0),
        ("u" * 5000, "item-8", "view", 1.0),
        ("user-9", "item-9", "", 1.0),
    )
    first = len(published.later) + 1
    report = published.retrain()
    assert report.outcome is Outcome.PUBLISHED
    assert report.data["events_unusable"] == 9
    assert report.data["unusable"][0] == {
        "event": first,
        "user": "'user-1'",
        "item": "'item-1'",
        "reason": "the time is before 1900 (UTC)",
    }
    assert f"left out event {first} (user 'user-1', item 'item-1'): the time" in caplog.text
    release = published.store.open_current()
    assert release.manifest.data.last_event == first + 8
    assert release.manifest.seen == len(published.files) + len(published.later)


def test_leaves_out_ids_that_are_not_utf8(published: RetrainingSystem) -> None:
    path = published.work.parent / "events.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO events (user_id, item_id, type, at) "
            "VALUES (CAST(x'ff41' AS TEXT), 'item-1', 'view', 1.0)"
        )
    report = published.retrain()
    assert (report.outcome, report.data["events_unusable"]) == (Outcome.PUBLISHED, 1)
    assert report.data["unusable"][0]["reason"] == "the user id is not valid Unicode"


def test_reads_another_database_from_its_start(published: RetrainingSystem, caplog) -> None:
    """The other database has fewer events than the release was trained on."""
    assert published.retrain().outcome is Outcome.PUBLISHED
    before = published.store.open_current()
    published.events.close()
    published.events = EventStore(f"sqlite:///{published.work.parent}/other.db")
    pairs = published.files
    new = [Event(pairs.user_ids[u], f"item-{(u * 7) % 80}", "view", 1e9) for u in range(60)]
    published.events.append(new)
    report = published.retrain(SETTINGS.model_copy(update={"min_pairs": 5, "gate_min_users": 1}))
    assert before.manifest.data.last_event > 60
    assert "of another events database" in report.data["read_from_start"]
    assert report.data["events"] == 60
    assert "of another events database" in caplog.text
    assert report.outcome is Outcome.PUBLISHED
    data = published.store.open_current().manifest.data
    assert (data.last_event, data.events_id) == (60, published.events.state().log_id)
    assert published.retrain().data["read_from_start"] is None


def test_a_forgotten_user_is_in_no_later_release(published: RetrainingSystem) -> None:
    user_id = published.later.user_ids[published.later.users[0]]
    assert published.store.open_current().users.row_of(user_id) is not None
    published.events.forget(user_id)
    report = published.retrain(files=published.files)
    assert report.outcome is Outcome.PUBLISHED
    assert report.data["forgotten"] == 1
    assert published.store.open_current().users.row_of(user_id) is None
