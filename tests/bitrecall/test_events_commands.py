import pytest
from click.testing import CliRunner, Result

from bitrecall.cli import bitrecall
from events.event import Event
from events.store import EventStore


@pytest.fixture
def url(tmp_path) -> str:
    return f"sqlite:///{tmp_path}/events.db"


@pytest.fixture
def run(url: str):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(bitrecall, ["events", *arguments, "--events", url])

    return run


def test_events_are_counted_and_users_forgotten(run, url: str) -> None:
    assert run("count").exit_code != 0
    assert run("migrate").stdout == "the tables are up to date\n"
    store = EventStore(url)
    store.append([Event(user, "x", kind, 0.0) for user in "ab" for kind in ("buy", "view")])
    store.close()
    counted = run("count").stdout
    assert "buy" in counted
    assert "the last has number 4; 0 requests to be forgotten" in counted
    assert run("forget", "a").stdout == "removed 2 events of a\n"
    assert "the last has number 5; 1 requests to be forgotten" in run("count").stdout


def test_a_range_of_events_is_removed(run, url: str) -> None:
    store = EventStore(url)
    store.append([Event("a", str(number), "view", 0.0) for number in range(5)])
    store.close()
    assert run("remove", "--after", "1", "--until", "4", "--dry-run").stdout == (
        "there are 3 events\n"
    )
    assert run("remove", "--after", "1", "--until", "4").stdout == "removed 3 events\n"
    assert "the last has number 5" in run("count").stdout
    assert run("remove", "--after", "1").exit_code == 2


def test_a_url_that_is_none_is_said() -> None:
    failed = CliRunner().invoke(bitrecall, ["events", "count", "--events", "nonsense"])
    assert failed.exit_code != 0
    assert "Traceback" not in failed.output
