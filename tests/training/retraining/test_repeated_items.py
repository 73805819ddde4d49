"""Counts of items from run to run, and their way into the release."""

from math import exp

import numpy as np
import pytest

from bitrecall.events.event import FORGET
from bitrecall.events.position import ReadingStart
from bitrecall.index.releases.repeats import Repeats
from bitrecall.training.data.collapse import collapse
from bitrecall.training.retraining.collect import collect

START = ReadingStart("log", 100)
REPEATS = Repeats(2.0, (0.0,), (0.5,), (1,), (0.1,))
COUNTS = {("a", "x"): 4, ("a", "y"): 1, ("b", "x"): 2}


@pytest.fixture
def parent(publish):
    """A release whose decayed counts are half of the counts."""
    return publish({"a": ["x", "y"], "b": ["x"]}, repeats=REPEATS, counts=COUNTS)


def files(rows):
    users, items = sorted({user for user, _ in rows}), sorted({item for _, item in rows})
    pairs = np.array([(users.index(user), items.index(item)) for user, item in rows], np.int32)
    return collapse(users, items, *pairs.T)


def counts_of(data):
    """Return count and decayed count of each pair."""
    assert data.repeats is not None
    pairs = data.pairs
    return {
        (pairs.user_ids[user], pairs.item_ids[item]): (int(count), float(decayed))
        for user, item, count, decayed in zip(
            pairs.users, pairs.items, data.repeats.counts, data.repeats.decayed, strict=True
        )
    }


def test_events_add_to_the_counts_and_make_earlier_ones_older(parent, event):
    events = [event("a", "x"), event("a", "z"), event("a", "x"), event("c", "x")]
    data = collect(parent, files([("b", "x"), ("b", "w")]), events, start=START)
    counts = counts_of(data)
    assert data.repeats.rates == REPEATS
    assert {pair: count for pair, (count, _) in counts.items()} == {
        ("a", "x"): 6,
        ("a", "y"): 1,
        ("a", "z"): 1,
        ("b", "x"): 2,
        ("b", "w"): 1,
        ("c", "x"): 1,
    }
    assert counts["a", "x"][1] == pytest.approx(2 * exp(-3 / 2) + exp(-2 / 2) + 1)
    assert counts["a", "y"][1] == pytest.approx(0.5 * exp(-3 / 2))
    assert counts["a", "z"][1] == pytest.approx(exp(-1 / 2))
    assert counts["b", "x"][1] == counts["b", "w"][1] == 1


def test_events_that_are_read_again_do_not_count_twice(parent, event):
    start = ReadingStart("log", 0, "another database")
    data = collect(parent, None, [event("a", "x"), event("a", "y"), event("a", "y")], start=start)
    counts = counts_of(data)
    assert counts["a", "x"] == (4, 2)
    assert counts["a", "y"] == (2, pytest.approx(1 + exp(-1 / 2)))


def test_forgotten_users_have_no_counts(parent, event):
    data = collect(parent, None, [event("a", "", FORGET), event("a", "x")], start=START)
    assert counts_of(data) == {("a", "x"): (1, 1), ("b", "x"): (2, 1)}


def test_there_are_none_without_repeats_in_the_parent(publish, event):
    events = [event("a", "x"), event("a", "x")]
    assert collect(publish({"a": ["x"]}), None, events, start=START).repeats is None
    assert collect(None, None, events, start=START).repeats is None
