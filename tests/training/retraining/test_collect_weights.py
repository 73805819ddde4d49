"""Filters and weights of events in retraining, and pair weights from run to run."""

import numpy as np
import pytest

from bitrecall.events.position import ReadingStart
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.read_options import PairWeight, ReadOptions
from bitrecall.training.retraining.collect import collect

START = ReadingStart("log", 100)
OPTIONS = ReadOptions(weight="event:view=0.25,cart=0.5,buy=1")
SUM = ReadOptions(weight=OPTIONS.weight, pair_weight=PairWeight.SUM)


def files(rows):
    users, items = sorted({user for user, _ in rows}), sorted({item for _, item in rows})
    pairs = np.array([(users.index(user), items.index(item)) for user, item in rows], np.int32)
    return collapse(users, items, *pairs.T)


def weights_of(pairs):
    weights = np.ones(len(pairs)) if pairs.weights is None else pairs.weights
    return {
        (pairs.user_ids[user], pairs.item_ids[item]): float(weight)
        for user, item, weight in zip(pairs.users, pairs.items, weights, strict=True)
    }


@pytest.mark.parametrize("name", ["event", "type", "Event Type", "action"])
def test_weights_events_by_type_under_any_common_column_name(event, name) -> None:
    events = [event("a", "x"), event("a", "x", "buy"), event("b", "x", "cart"), event("b", "y")]
    options = ReadOptions(weight=f"{name}:view=0.25,cart=0.5,buy=1")
    data = collect(None, None, events, start=START, options=options)
    assert weights_of(data.pairs) == {("a", "x"): 1, ("b", "x"): 0.5, ("b", "y"): 0.25}
    total = collect(None, None, events, start=START, options=SUM)
    assert weights_of(total.pairs)["a", "x"] == 1.25


def test_leaves_out_unknown_types_and_reports_them(event) -> None:
    events = [event("a", "x", "buy"), event("b", "y", "share"), event("c", "y", "share")]
    data = collect(None, None, events, start=START, options=OPTIONS)
    assert weights_of(data.pairs) == {("a", "x"): 1}
    assert (data.counts.read, data.counts.taken, data.counts.filtered) == (3, 1, 2)
    report = "\n".join(data.counts.selection)
    assert "'share': 2 rows, total weight 0, left out (not listed in --weight)" in report
    assert data.position.sequence == events[-1].sequence


def test_filters_events(event) -> None:
    events = [event("a", "x", "buy"), event("b", "y"), event("c", "y", "buy", at=50.0)]
    options = ReadOptions(where="event in (buy, cart) and time < 1970-01-01T00:00:40")
    data = collect(None, None, events, start=START, options=options)
    assert weights_of(data.pairs) == {("a", "x"): 1}
    assert data.pairs.weights is None


def test_ignores_options_of_columns_that_events_do_not_have(event) -> None:
    options = ReadOptions(where="country = DE", weight="quantity", min_rating=4)
    data = collect(None, None, [event("a", "x"), event("b", "y")], start=START, options=options)
    assert len(data.pairs) == 2
    report = "\n".join(data.counts.selection)
    assert "--where is not applied to events, which have no column country" in report
    assert "--weight is not applied to events, which have no column quantity" in report


def test_has_no_weights_without_options(publish, event) -> None:
    data = collect(publish({"a": ["x"]}), files([("b", "x")]), [event("c", "x")], start=START)
    assert data.pairs.weights is None


@pytest.mark.parametrize(
    ("options", "reason", "expected"),
    [
        (OPTIONS, None, {("a", "x"): 2, ("a", "y"): 1, ("b", "x"): 1}),
        (SUM, None, {("a", "x"): 3.25, ("a", "y"): 1, ("b", "x"): 0.75}),
        # All events are read again: those of the parent's pairs are in its weights.
        (SUM, "another database", {("a", "x"): 2, ("a", "y"): 1, ("b", "x"): 0.5}),
    ],
)
def test_adds_new_events_to_the_weights_of_the_parent(
    publish, event, options, reason, expected
) -> None:
    parent = publish({"a": ["x", "y"], "b": ["x"]}, weights={("a", "x"): 2, ("b", "x"): 0.25})
    events = [event("a", "x"), event("a", "x", "buy"), event("b", "x", "cart")]
    if options is OPTIONS:
        events.append(event("b", "x", "buy"))
    start = ReadingStart("log", 0 if reason else 100, reason)
    data = collect(parent, None, events, start=start, options=options)
    assert weights_of(data.pairs) == expected


@pytest.mark.parametrize("options", [OPTIONS, SUM])
def test_repeated_files_change_nothing(publish, options) -> None:
    parent = publish({"a": ["x", "y"]}, weights={("a", "x"): 2})
    repeated = files([("a", "x"), ("a", "y")])
    data = collect(parent, repeated, [], start=START, options=options)
    assert weights_of(data.pairs) == {("a", "x"): 2, ("a", "y"): 1}
