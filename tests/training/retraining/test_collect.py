import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.events.position import ReadingStart, digest_of
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.retraining.collect import collect
from bitrecall.training.retraining.retraining_data import RetrainingData

START = ReadingStart("log", 100)


def files(rows: list[tuple[str, str]], times: list[float] | None = None) -> Interactions:
    users, items = sorted({user for user, _ in rows}), sorted({item for _, item in rows})
    pairs = np.array([(users.index(u), items.index(i)) for u, i in rows], np.int32).reshape(-1, 2)
    rows_of_users, rows_of_items = pairs.T
    return collapse(
        users, items, rows_of_users, rows_of_items, None if times is None else np.array(times)
    )


def as_set(data: RetrainingData, which: np.ndarray | None = None) -> set[tuple[str, str]]:
    pairs = data.pairs if which is None else data.pairs.select(which)
    return {
        (pairs.user_ids[user], pairs.item_ids[item])
        for user, item in zip(pairs.users, pairs.items, strict=True)
    }


def test_the_parent_files_and_events_come_together(publish, event) -> None:
    parent = publish({"a": ["x", "y"], "b": ["x"]})
    given_files = files([("b", "y"), ("c", "x"), ("a", "x")], [30.0, 10.0, 20.0])
    events = [event("d", "z", at=50.0), event("a", "x", at=60.0), event("c", "x", at=5.0)]
    found = collect(parent, given_files, events, start=START)
    fresh = {("b", "y"), ("c", "x"), ("d", "z")}
    assert as_set(found) == {("a", "x"), ("a", "y"), ("b", "x")} | fresh
    assert as_set(found, found.fresh) == fresh
    moments = dict(zip(sorted(as_set(found)), found.moments[_by_name(found)], strict=True))
    assert (moments["b", "y"], moments["c", "x"], moments["d", "z"]) == (30, 5, 50)
    assert (moments["a", "x"], math.isnan(moments["a", "y"])) == (20, True)
    assert (found.position.sequence, found.from_files) == (events[-1].sequence, 3)


def _by_name(found: RetrainingData) -> list[int]:
    pairs = found.pairs
    names = [
        (pairs.user_ids[user], pairs.item_ids[item])
        for user, item in zip(pairs.users, pairs.items, strict=True)
    ]
    return sorted(range(len(names)), key=names.__getitem__)


def test_the_events_are_counted(publish, event) -> None:
    parent = publish({"a": ["x", "y"]})
    events = [
        event("a", "x"),
        event("a", "new"),
        event("a", "new"),
        event("stranger", "y"),
        event("a", "y", HIDE),
        event("gone", "", FORGET),
    ]
    counts = collect(parent, None, events).counts
    assert (counts.read, counts.taken, counts.hidden, counts.forgotten) == (6, 4, 1, 1)
    assert (counts.repeated, counts.of_unknown_users, counts.of_unknown_items) == (2, 1, 2)
    assert counts.by_user == {"a": 3, "stranger": 1}


def test_whoever_asked_to_be_forgotten_is_what_they_did_since(publish, event) -> None:
    parent = publish({"a": ["x"], "b": ["y"]})
    events = [event("a", "", FORGET), event("a", "z")]
    found = collect(parent, files([("a", "w"), ("b", "w")]), events, forgotten=["a"])
    assert as_set(found) == {("a", "z"), ("b", "y"), ("b", "w")}
    # Of those who asked before the parent was trained, it knows nothing else.
    again = collect(publish({"a": ["z"]}), files([("a", "w")]), [], forgotten=["a"])
    assert as_set(again) == {("a", "z")}


def test_without_a_parent_everything_is_fresh(event) -> None:
    found = collect(None, files([("a", "x")]), [event("b", "x")], start=START)
    assert as_set(found) == as_set(found, found.fresh) == {("a", "x"), ("b", "x")}
    assert found.position.sequence == 101


def test_without_anything_new_nothing_is_fresh(publish) -> None:
    parent = publish({"a": ["x", "y"]}, last_event=7)
    found = collect(parent, files([("a", "y")]), [])
    assert not found.fresh.any()
    assert (found.position.sequence, len(found.pairs)) == (7, 2)
    nothing = collect(None, None, [])
    assert (len(nothing.pairs), len(nothing.fresh), len(nothing.moments)) == (0, 0, 0)


def test_where_reading_ended_is_a_position_of_that_database(publish, event) -> None:
    parent = publish({"a": ["x", "y"]}, last_event=7)
    events = [event("a", "z"), event("b", "z")]
    position = collect(parent, None, events, start=START).position
    expected = ("log", events[-1].sequence, digest_of(events[-1]))
    assert (position.log_id, position.sequence, position.digest) == expected
    # Without events, or without anything new among them, the parent's stays.
    for start in (None, ReadingStart("log", 7)):
        assert collect(parent, None, [], start=start).position.sequence == 7
    # Of another database that has no events nothing was read.
    position = collect(parent, None, [], start=ReadingStart("other", 0, "another one")).position
    assert (position.log_id, position.sequence, position.digest) == ("other", 0, None)


def test_of_a_user_who_sends_too_much_the_last_events_count(publish, event) -> None:
    parent = publish({"a": ["x"], "b": ["x"]})
    flood = [event("bot", f"i{n}") for n in range(10)]
    others = [event("a", f"i{n}") for n in (0, 5, 6)] + [event("b", "i9")]
    junk = [event("bot", f"junk {n}") for n in range(5)]
    found = collect(parent, None, [*flood, *others, *junk], max_user_events=3)
    of_others = {("a", f"i{n}") for n in (0, 5, 6)} | {("b", "i9")}
    kept = {("bot", f"i{n}") for n in (5, 6, 9)}
    assert as_set(found) == {("a", "x"), ("b", "x")} | of_others | kept
    assert as_set(found, found.judged) == of_others
    counts = found.counts
    assert (counts.read, counts.taken, counts.over, counts.judged) == (19, 7, 12, 4)
    assert (counts.flooding, counts.by_user["bot"]) == ({"bot": 15}, 15)
    assert (counts.of_unknown_users, counts.of_unknown_items) == (0, 4)


def test_events_that_cannot_be_used_are_left_out_and_named(publish, event) -> None:
    parent = publish({"a": ["x"]})
    bad = [
        event("a", "y", at=-7e10),
        event("a", "y", at=math.inf),
        event("", "y"),
        event("a", b"y"),
        event("a\0", "y"),
        event("a\ud800", "y" * 2000),
        event("a", "y", kind="?"),
    ]
    found = collect(parent, None, [*bad, event("b", "y")])
    assert as_set(found) == {("a", "x"), ("b", "y")}
    assert (found.counts.read, found.counts.unusable) == (8, 7)
    named = found.counts.unusable_examples
    assert [one.event for one in named] == [one.sequence for one in bad]
    assert named[0].reason == "the time is before 1900 (UTC)"
    assert (named[3].user, named[3].item) == ("'a'", "b'y'")
    assert all(str(one).isascii() for one in named)
    many = collect(parent, None, [event("", "y") for _ in range(100)])
    assert (many.counts.unusable, len(many.counts.unusable_examples)) == (100, 20)


names = st.sampled_from("abcd")
rows = st.lists(st.tuples(names, names), max_size=12)


@given(
    rows, st.lists(st.tuples(names, names, st.sampled_from(["view", HIDE, FORGET])), max_size=12)
)
def test_it_is_what_going_through_one_after_another_gives(given_rows, given_events) -> None:
    events = [
        StoredEvent(number, user, "" if kind == FORGET else item, kind, float(number))
        for number, (user, item, kind) in enumerate(given_events, 1)
    ]
    gone = {one.user_id for one in events if one.type == FORGET}
    # The store has no event of somebody from before they asked to be forgotten.
    events = [
        one
        for one in events
        if not any(
            later.type == FORGET and later.user_id == one.user_id and later.sequence > one.sequence
            for later in events
        )
    ]
    found = collect(None, files(given_rows), events, forgotten=gone)
    expected = {(user, item) for user, item in given_rows if user not in gone}
    expected |= {(one.user_id, one.item_id) for one in events if one.type == "view"}
    assert as_set(found) == expected
    assert len(found.pairs) == len(expected)
