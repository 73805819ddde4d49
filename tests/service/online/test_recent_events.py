from collections.abc import Callable

from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.events.position import ReadingStart
from bitrecall.index.releases.release import Release
from bitrecall.service.online.recent_events import RecentEvents

Stored = Callable[..., StoredEvent]


def test_keeps_interactions_newest_last(release: Release, stored: Stored) -> None:
    recent = RecentEvents(release, min_users=1)
    assert (recent.last, list(recent.interactions_of("a"))) == (0, [])
    events = [stored("a", "item 2"), stored("b", "item 3"), stored("a", "item 1", "buy")]
    recent.add(events)
    assert list(recent.interactions_of("a")) == ["item 2", "item 1"]
    assert list(recent.interactions_of("b")) == ["item 3"]
    assert recent.last == events[-1].sequence


def test_hidden_items_are_not_interactions(release: Release, stored: Stored) -> None:
    recent = RecentEvents(release, min_users=1)
    recent.add([stored("a", "item 2", HIDE), stored("17", "new", HIDE)])
    assert (list(recent.interactions_of("a")), list(recent.hidden_items_of("a"))) == (
        [],
        ["item 2"],
    )
    assert recent.new_items() is None


def test_keeps_items_hidden_before_the_release(release: Release, stored: Stored) -> None:
    recent = RecentEvents(release, min_users=1)
    assert recent.start is None
    earlier = [stored("a", "item 1", HIDE), stored("17", "item 2", HIDE), stored("", "x", HIDE)]
    start = ReadingStart("log", 500)
    recent.begin(start, earlier)
    assert (recent.start, recent.last) == (start, 500)
    recent.add([stored("17", "", FORGET), stored("a", "item 3", HIDE)])
    assert sorted(recent.hidden_items_of("a")) == ["item 1", "item 3"]
    assert list(recent.hidden_items_of("17")) == []


def test_skips_invalid_events(release: Release, stored: Stored) -> None:
    recent = RecentEvents(release, min_users=1)
    bad = [stored("a", ""), stored("a\0", "item 1"), stored("a", b"item 1"), stored("a", "x", "?")]  # type: ignore[arg-type]
    recent.add([*bad, stored("a", "item 2")])
    assert (list(recent.interactions_of("a")), recent.unusable) == (["item 2"], 4)
    assert recent.new_items() is None


def test_new_items_are_those_missing_from_the_release(release: Release, stored: Stored) -> None:
    recent = RecentEvents(release, min_users=2)
    assert not recent.has_new_items
    recent.add([stored("17", "item 2"), stored("17", "new")])
    assert recent.has_new_items
    assert recent.new_items() is None
    assert not recent.has_new_items
    recent.add([stored("none seen", "new"), stored("a stranger", "newer")])
    assert recent.has_new_items
    new = recent.new_items()
    assert new is not None
    assert list(new.ids) == ["new"]


def test_a_forgotten_user_starts_again_with_new_events(release: Release, stored: Stored) -> None:
    recent = RecentEvents(release, min_users=1)
    recent.add([stored("17", "new"), stored("17", "item 3", HIDE), stored("17", "", FORGET)])
    assert recent.is_forgotten("17")
    assert (list(recent.interactions_of("17")), list(recent.hidden_items_of("17"))) == ([], [])
    assert recent.new_items() is None
    recent.add([stored("17", "item 4")])
    assert recent.is_forgotten("17")
    assert list(recent.interactions_of("17")) == ["item 4"]
    assert not recent.is_forgotten("none seen")
