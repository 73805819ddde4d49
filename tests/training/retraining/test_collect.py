import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.events.position import ReadingStart, digest_of
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.histories import histories
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


def test_combines_pairs_of_the_parent_files_and_events(publish, event) -> None:
    parent = publish({"a": ["x", "y"], "b": ["x"]})
    file_pairs = files([("b", "y"), ("c", "x"), ("a", "x")], [30.0, 10.0, 20.0])
    events = [event("d", "z", at=50.0), event("a", "x", at=60.0), event("c", "x", at=5.0)]
    data = collect(parent, file_pairs, events, start=START)
    fresh = {("b", "y"), ("c", "x"), ("d", "z")}
    assert as_set(data) == {("a", "x"), ("a", "y"), ("b", "x")} | fresh
    assert as_set(data, data.fresh) == fresh
    moments = dict(zip(sorted(as_set(data)), data.moments[_by_name(data)], strict=True))
    assert (moments["b", "y"], moments["c", "x"], moments["d", "z"]) == (30, 5, 50)
    assert (moments["a", "x"], math.isnan(moments["a", "y"])) == (20, True)
    assert (data.position.sequence, data.from_files) == (events[-1].sequence, 3)


def _by_name(data: RetrainingData) -> list[int]:
    pairs = data.pairs
    names = [
        (pairs.user_ids[user], pairs.item_ids[item])
        for user, item in zip(pairs.users, pairs.items, strict=True)
    ]
    return sorted(range(len(names)), key=names.__getitem__)


def test_counts_the_events(publish, event) -> None:
    parent = publish({"a": ["x", "y"]})
    events = [
        event("a", "x"),
        event("a", "new"),
        event("a", "new"),
        event("unknown", "y"),
        event("a", "y", HIDE),
        event("forgotten", "", FORGET),
    ]
    counts = collect(parent, None, events).counts
    assert (counts.read, counts.taken, counts.hidden, counts.forgotten) == (6, 4, 1, 1)
    assert (counts.repeated, counts.of_unknown_users, counts.of_unknown_items) == (2, 1, 2)
    assert counts.by_user == {"a": 3, "unknown": 1}


def test_a_forgotten_user_has_only_later_events(publish, event) -> None:
    parent = publish({"a": ["x"], "b": ["y"]})
    events = [event("a", "", FORGET), event("a", "z")]
    data = collect(parent, files([("a", "w"), ("b", "w")]), events, forgotten=["a"])
    assert as_set(data) == {("a", "z"), ("b", "y"), ("b", "w")}
    # A parent that was trained after the user was forgotten has only later events too.
    later = collect(publish({"a": ["z"]}), files([("a", "w")]), [], forgotten=["a"])
    assert as_set(later) == {("a", "z")}


def test_all_pairs_are_fresh_without_a_parent(event) -> None:
    data = collect(None, files([("a", "x")]), [event("b", "x")], start=START)
    assert as_set(data) == as_set(data, data.fresh) == {("a", "x"), ("b", "x")}
    assert data.position.sequence == 101


def test_no_pair_is_fresh_without_new_data(publish) -> None:
    parent = publish({"a": ["x", "y"]}, last_event=7)
    data = collect(parent, files([("a", "y")]), [])
    assert not data.fresh.any()
    assert (data.position.sequence, len(data.pairs)) == (7, 2)
    nothing = collect(None, None, [])
    assert (len(nothing.pairs), len(nothing.fresh), len(nothing.moments)) == (0, 0, 0)


def test_records_the_position_of_the_last_event(publish, event) -> None:
    parent = publish({"a": ["x", "y"]}, last_event=7)
    events = [event("a", "z"), event("b", "z")]
    position = collect(parent, None, events, start=START).position
    expected = ("log", events[-1].sequence, digest_of(events[-1]))
    assert (position.log_id, position.sequence, position.digest) == expected
    # Without new events, the position is that of the parent.
    for start in (None, ReadingStart("log", 7)):
        assert collect(parent, None, [], start=start).position.sequence == 7
    # Another database without events: no event was read.
    position = collect(parent, None, [], start=ReadingStart("other", 0, "another one")).position
    assert (position.log_id, position.sequence, position.digest) == ("other", 0, None)


def test_only_the_last_events_of_a_flooding_user_count(publish, event) -> None:
    parent = publish({"a": ["x"], "b": ["x"]})
    flood = [event("bot", f"i{n}") for n in range(10)]
    others = [event("a", f"i{n}") for n in (0, 5, 6)] + [event("b", "i9")]
    junk = [event("bot", f"junk {n}") for n in range(5)]
    data = collect(parent, None, [*flood, *others, *junk], max_user_events=3)
    of_others = {("a", f"i{n}") for n in (0, 5, 6)} | {("b", "i9")}
    kept = {("bot", f"i{n}") for n in (5, 6, 9)}
    assert as_set(data) == {("a", "x"), ("b", "x")} | of_others | kept
    assert as_set(data, data.judged) == of_others
    counts = data.counts
    assert (counts.read, counts.taken, counts.over, counts.judged) == (19, 7, 12, 4)
    assert (counts.flooding, counts.by_user["bot"]) == ({"bot": 15}, 15)
    assert (counts.of_unknown_users, counts.of_unknown_items) == (0, 4)


def test_leaves_out_unusable_events_and_reports_them(publish, event) -> None:
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
    data = collect(parent, None, [*bad, event("b", "y")])
    assert as_set(data) == {("a", "x"), ("b", "y")}
    assert (data.counts.read, data.counts.unusable) == (8, 7)
    examples = data.counts.unusable_examples
    assert [example.event for example in examples] == [event.sequence for event in bad]
    assert examples[0].reason == "the time is before 1900 (UTC)"
    assert (examples[3].user, examples[3].item) == ("'a'", "b'y'")
    assert all(str(example).isascii() for example in examples)
    many = collect(parent, None, [event("", "y") for _ in range(100)])
    assert (many.counts.unusable, len(many.counts.unusable_examples)) == (100, 20)


names = st.sampled_from("abcd")
rows = st.lists(st.tuples(names, names), max_size=12)


@given(
    rows, st.lists(st.tuples(names, names, st.sampled_from(["view", HIDE, FORGET])), max_size=12)
)
def test_equals_applying_the_events_in_order(file_rows, event_rows) -> None:
    events = [
        StoredEvent(number, user, "" if kind == FORGET else item, kind, float(number))
        for number, (user, item, kind) in enumerate(event_rows, 1)
    ]
    forgotten = {event.user_id for event in events if event.type == FORGET}
    # The store has no events of a forgotten user from before the marker.
    events = [
        event
        for event in events
        if not any(
            later.type == FORGET
            and later.user_id == event.user_id
            and later.sequence > event.sequence
            for later in events
        )
    ]
    data = collect(None, files(file_rows), events, forgotten=forgotten)
    expected = {(user, item) for user, item in file_rows if user not in forgotten}
    expected |= {(event.user_id, event.item_id) for event in events if event.type == "view"}
    assert as_set(data) == expected
    assert len(data.pairs) == len(expected)


def histories_by_name(data: RetrainingData) -> dict[str, list[str]]:
    pairs = data.pairs
    lists = histories(pairs, range(pairs.n_users))
    return {
        user: [pairs.item_ids[item] for item in items]
        for user, items in zip(pairs.user_ids, lists, strict=True)
    }


def test_orders_pairs_of_the_parent_then_of_files_then_events(publish, event) -> None:
    parent = publish({"a": ["y", "x", "w"], "b": ["x"]}, ordered=True)
    rows = [("a", "f"), ("a", "y"), ("a", "e"), ("c", "f")]
    file_pairs = files(rows, [30.0, 99.0, 20.0, 1.0])
    events = [event("a", "z", at=7.0), event("c", "w"), event("a", "x", at=5.0)]
    data = collect(parent, file_pairs, events, start=START)
    assert histories_by_name(data) == {
        "a": ["y", "w", "e", "f", "z", "x"],
        "b": ["x"],
        "c": ["f", "w"],
    }
    assert data.pairs.ages is not None


def test_orders_nothing_if_the_order_of_the_oldest_pairs_is_unknown(publish, event) -> None:
    unordered = publish({"a": ["x", "y"]})
    events = [event("a", "z")]
    assert collect(unordered, None, events, start=START).pairs.order is None
    assert collect(None, files([("a", "x"), ("a", "y")]), events, start=START).pairs.order is None
    timed = files([("a", "x"), ("a", "y")], [2.0, 1.0])
    assert histories_by_name(collect(None, timed, events, start=START)) == {"a": ["y", "x", "z"]}
    assert histories_by_name(collect(None, None, [*events, event("a", "x")], start=START)) == {
        "a": ["z", "x"]
    }
