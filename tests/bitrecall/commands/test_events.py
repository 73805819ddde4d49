import contextlib
import json
import sqlite3

import pytest
from click.testing import CliRunner, Result

from bitrecall.cli import bitrecall
from bitrecall.events.event import Event
from bitrecall.events.store import EventStore

pytestmark = pytest.mark.slow


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/events.db"


@pytest.fixture
def run(url: str):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(bitrecall, ["events", *arguments, "--events", url])

    return run


def test_counts_events_and_forgets_users(run, url: str) -> None:
    assert run("count").exit_code != 0
    assert run("migrate").stdout == "the tables are up to date\n"
    store = EventStore(url)
    store.append([Event(user, "x", kind, 0.0) for user in "ab" for kind in ("buy", "view")])
    store.close()
    counted = run("count").stdout
    assert "buy" in counted
    assert "last event: number 4; forget markers: 0" in counted
    assert run("forget", "a").stdout == "removed 2 events of a\n"
    assert "last event: number 5; forget markers: 1" in run("count").stdout


def test_removes_a_range_of_events(run, url: str) -> None:
    store = EventStore(url)
    store.append([Event("a", str(number), "view", 0.0) for number in range(5)])
    store.close()
    assert run("remove", "--after", "1", "--until", "4", "--dry-run").stdout == (
        "would remove 3 events\n"
    )
    assert run("remove", "--after", "1", "--until", "4").stdout == "removed 3 events\n"
    assert "last event: number 5" in run("count").stdout
    assert run("remove", "--after", "1").exit_code == 2


@pytest.fixture
def filled(url: str) -> None:
    store = EventStore(url)
    store.append(
        [
            Event("ada", "x", "view", 1_700_000_000.5),
            Event("bob", "x", "hide", 0.0),
            Event("ada", "ü y", "buy", 1.0),
        ]
    )
    store.forget("carl")
    store.close()


def insert_row(url: str, user: object, item: object, kind: object, at: object) -> None:
    path = url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO events (user_id, item_id, type, at) VALUES (?, ?, ?, ?)",
            (user, item, kind, at),
        )


@pytest.mark.usefixtures("filled")
def test_lists_events_in_order(run) -> None:
    assert run("list", "--until", "3").stdout.splitlines() == [
        "number  time                         type  user  item",
        "     1  2023-11-14T22:13:20.500000Z  view  ada   x",
        "     2  1970-01-01T00:00:00Z         hide  bob   x",
        "     3  1970-01-01T00:00:01Z         buy   ada   ü y",
    ]
    assert run("list", "--type", "$forget").stdout.split()[-3:] == ["$forget", "carl", "''"]


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ([], [1, 2, 3, 4]),
        (["--user", "ada"], [1, 3]),
        (["--item", "x"], [1, 2]),
        (["--user", "ada", "--item", "x"], [1]),
        (["--type", "hide"], [2]),
        (["--after", "1", "--until", "3"], [2, 3]),
        (["--limit", "2"], [1, 2]),
        (["--user", "nobody"], []),
        (["--unusable"], []),
    ],
)
@pytest.mark.usefixtures("filled")
def test_filters_the_list(run, options, numbers) -> None:
    listed = run("list", *options, "--json")
    assert [event["number"] for event in json.loads(listed.stdout)] == numbers


@pytest.mark.usefixtures("filled")
def test_shows_how_to_list_the_next_events(run) -> None:
    assert run("list", "--limit", "2").stderr == "more events follow: --after 2\n"
    assert run("list", "--limit", "4").stderr == ""


@pytest.mark.usefixtures("filled")
def test_lists_and_removes_rows_of_any_content(run, url: str) -> None:
    insert_row(url, "ada", "x", "view", -62135647200.0)
    insert_row(url, b"\xff", "a\nb", "view", float("inf"))
    insert_row(url, "", "x\0", 7, "soon")
    insert_row(url, "ada", "x", b"\xfe", 1.0)
    assert run("count").exit_code == 0
    listed = run("list", "--unusable")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == ["5", "6", "7", "8"]
    assert "the time is before 1900 (UTC)" in listed.stdout
    faults = [event["fault"] for event in json.loads(run("list", "--json").stdout)]
    assert [fault is None for fault in faults] == [True] * 4 + [False] * 4
    assert run("remove", "5", "6", "7", "8", "99", "--dry-run").stdout == "would remove 4 events\n"
    assert run("remove", "5", "6", "7", "8", "99").stdout == "removed 4 events\n"
    assert json.loads(run("list", "--unusable", "--json").stdout) == []
    # Forget markers stay.
    assert run("remove", "4").stdout == "removed 0 events\n"


@pytest.mark.parametrize("arguments", [[], ["--until", "3"], ["3", "--until", "3"]])
def test_remove_requires_numbers_or_a_complete_range(run, arguments) -> None:
    assert run("remove", *arguments).exit_code == 2


@pytest.mark.usefixtures("filled")
def test_copies_events_with_their_numbers_and_the_log_id(run, url: str, postgres_url: str) -> None:
    insert_row(url, "ada", "x", "view", float("inf"))
    before = EventStore(url)
    before.remove_sequences([2])
    expected, state = before.find(until=4), before.state()
    before.close()
    done = CliRunner().invoke(bitrecall, ["events", "copy", url, "--events", postgres_url])
    assert done.exit_code == 0, done.output
    assert "copied 3 events up to number 5" in done.stdout
    assert "left out 1 events that cannot be used" in done.stderr
    after = EventStore(postgres_url)
    assert (after.find(), after.state()) == (expected, state)
    after.append([Event("ada", "z", "view", 2.0)])
    assert after.last_sequence() == 6
    after.close()
    again = CliRunner().invoke(bitrecall, ["events", "copy", url, "--events", postgres_url])
    assert (again.exit_code, "has events already" in again.output) == (2, True)
    same = CliRunner().invoke(bitrecall, ["events", "copy", url, "--events", url])
    assert same.exit_code == 2


def test_continues_the_numbers_in_a_copy(url: str, tmp_path) -> None:
    source = EventStore(url)
    source.append([Event("a", str(n), "view", 1.0, f"id {n}") for n in range(3)])
    source.remove_sequences([3])
    source.close()
    target = f"sqlite:///{tmp_path}/copy.db"
    assert CliRunner().invoke(bitrecall, ["events", "copy", url, "--events", target]).exit_code == 0
    copy = EventStore(target)
    # A repeated id counts once in the copy, too.
    copy.append([Event("a", "0", "view", 1.0, "id 0"), Event("a", "9", "view", 1.0)])
    assert [event.item_id for event in copy.find()] == ["0", "1", "9"]
    # The number of the removed event is not assigned again.
    assert copy.last_sequence() > 3
    copy.close()


def test_reports_an_invalid_url() -> None:
    failed = CliRunner().invoke(bitrecall, ["events", "count", "--events", "nonsense"])
    assert failed.exit_code != 0
    assert "Traceback" not in failed.output
