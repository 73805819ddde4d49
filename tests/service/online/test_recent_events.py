from collections.abc import Callable

from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.events.position import ReadingStart
from bitrecall.index.releases.release import Release
from bitrecall.service.online.recent_events import RecentEvents

Stored = Callable[..., StoredEvent]


def test_what_users_took_is_remembered_newest_last(release: Release, stored: Stored) -> None:
    fresh = RecentEvents(release, min_users=1)
    assert (fresh.last, list(fresh.interactions_of("a"))) == (0, [])
    events = [stored("a", "item 2"), stored("b", "item 3"), stored("a", "item 1", "buy")]
    fresh.take(events)
    assert list(fresh.interactions_of("a")) == ["item 2", "item 1"]
    assert list(fresh.interactions_of("b")) == ["item 3"]
    assert fresh.last == events[-1].sequence


def test_what_is_hidden_is_not_taken(release: Release, stored: Stored) -> None:
    fresh = RecentEvents(release, min_users=1)
    fresh.take([stored("a", "item 2", HIDE), stored("17", "new", HIDE)])
    assert (list(fresh.interactions_of("a")), list(fresh.hidden_items_of("a"))) == ([], ["item 2"])
    assert fresh.new_items() is None


def test_what_was_hidden_before_is_hidden_still(release: Release, stored: Stored) -> None:
    fresh = RecentEvents(release, min_users=1)
    assert fresh.start is None
    earlier = [stored("a", "item 1", HIDE), stored("17", "item 2", HIDE), stored("", "x", HIDE)]
    start = ReadingStart("log", 500)
    fresh.begin(start, earlier)
    assert (fresh.start, fresh.last) == (start, 500)
    fresh.take([stored("17", "", FORGET), stored("a", "item 3", HIDE)])
    assert sorted(fresh.hidden_items_of("a")) == ["item 1", "item 3"]
    assert list(fresh.hidden_items_of("17")) == []


def test_events_that_cannot_be_used_are_left_out(release: Release, stored: Stored) -> None:
    fresh = RecentEvents(release, min_users=1)
    bad = [stored("a", ""), stored("a\0", "item 1"), stored("a", b"item 1"), stored("a", "x", "?")]  # type: ignore[arg-type]
    fresh.take([*bad, stored("a", "item 2")])
    assert (list(fresh.interactions_of("a")), fresh.unusable) == (["item 2"], 4)
    assert fresh.new_items() is None


def test_new_items_are_those_that_the_release_does_not_know(
    release: Release, stored: Stored
) -> None:
    fresh = RecentEvents(release, min_users=2)
    assert not fresh.has_arrivals
    fresh.take([stored("17", "item 2"), stored("17", "new")])
    assert fresh.has_arrivals
    assert fresh.new_items() is None
    assert not fresh.has_arrivals
    fresh.take([stored("none seen", "new"), stored("a stranger", "newer")])
    assert fresh.has_arrivals
    new = fresh.new_items()
    assert new is not None
    assert list(new.ids) == ["new"]


def test_whoever_is_forgotten_has_nothing_until_they_come_back(
    release: Release, stored: Stored
) -> None:
    fresh = RecentEvents(release, min_users=1)
    fresh.take([stored("17", "new"), stored("17", "item 3", HIDE), stored("17", "", FORGET)])
    assert fresh.is_forgotten("17")
    assert (list(fresh.interactions_of("17")), list(fresh.hidden_items_of("17"))) == ([], [])
    assert fresh.new_items() is None
    fresh.take([stored("17", "item 4")])
    assert fresh.is_forgotten("17")
    assert list(fresh.interactions_of("17")) == ["item 4"]
    assert not fresh.is_forgotten("none seen")
