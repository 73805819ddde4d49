from dataclasses import replace

import numpy as np
import pytest

from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.event_interactions import join_events
from bitrecall.training.data.interactions import Interactions


def interactions(*pairs: tuple[str, str], times: bool = False) -> Interactions:
    users = list(dict.fromkeys(user for user, _ in (*pairs, ("c", ""))))
    items = ["x", "y", "z"]
    return collapse(
        users,
        items,
        np.array([users.index(user) for user, _ in pairs], np.int32),
        np.array([items.index(item) for _, item in pairs], np.int32),
        np.arange(len(pairs), dtype=np.float64) if times else None,
    )


@pytest.fixture
def dataset() -> Dataset:
    train = interactions(("a", "x"), ("a", "y"), ("b", "z"))
    return Dataset(train, None, "shop", ReadReport())


def pairs_of(part: Interactions) -> set[tuple[str, str]]:
    return {
        (part.user_ids[user], part.item_ids[item])
        for user, item in zip(part.users, part.items, strict=True)
    }


def events(*rows: tuple[str, str] | tuple[str, str, str]) -> list[StoredEvent]:
    return [
        StoredEvent(10 + number, row[0], row[1], row[2] if len(row) == 3 else "view", 7.0 + number)
        for number, row in enumerate(rows)
    ]


def test_adds_pairs_of_events(dataset: Dataset) -> None:
    joined = join_events(dataset, events(("b", "x"), ("new", "newer"), ("a", "y"), ("b", "x")))
    assert pairs_of(joined.dataset.train) == {
        *pairs_of(dataset.train),
        ("b", "x"),
        ("new", "newer"),
    }
    assert joined.last is not None
    assert (joined.last.sequence, joined.pairs, joined.forgotten) == (13, 2, 0)


def test_without_events_nothing_changes(dataset: Dataset) -> None:
    joined = join_events(dataset, [])
    assert joined.dataset.train.sha256() == dataset.train.sha256()
    assert (joined.last, joined.pairs) == (None, 0)


def test_hiding_an_item_adds_no_pair(dataset: Dataset) -> None:
    joined = join_events(dataset, events(("b", "x", HIDE), ("a", "x", HIDE)))
    assert pairs_of(joined.dataset.train) == pairs_of(dataset.train)


def test_forgets_a_user_but_keeps_their_later_events(dataset: Dataset) -> None:
    dataset = replace(dataset, test=interactions(("a", "z"), ("b", "y")))
    joined = join_events(dataset, events(("a", "", FORGET), ("stranger", "", FORGET), ("a", "z")))
    assert pairs_of(joined.dataset.train) == {("b", "z"), ("a", "z")}
    assert joined.dataset.test is not None
    assert pairs_of(joined.dataset.test) == {("b", "y")}
    assert joined.forgotten == 1
    assert "stranger" not in joined.dataset.train.compact().user_ids


def test_drops_test_pairs_that_appear_in_events(dataset: Dataset) -> None:
    dataset = replace(dataset, test=interactions(("a", "z"), ("b", "y")))
    joined = join_events(dataset, events(("a", "z"), ("b", "newer")))
    assert joined.dataset.test is not None
    assert pairs_of(joined.dataset.test) == {("b", "y")}


def test_events_come_after_all_pairs_of_the_data_set(dataset: Dataset) -> None:
    joined = join_events(dataset, events(("a", "z"), ("b", "x"))).dataset.train
    assert joined.places is not None
    order = np.argsort(joined.places)
    last = [joined.item_ids[item] for item in joined.items[order[-2:]]]
    assert last == ["z", "x"]
    timed = replace(dataset, train=interactions(("a", "x"), ("b", "z"), times=True))
    train = join_events(timed, events(("a", "z"))).dataset.train
    assert train.times is not None
    assert sorted(train.times.tolist()) == [0.0, 1.0, 7.0]


def test_events_are_later_than_lines_in_order(dataset: Dataset) -> None:
    in_order = replace(dataset.train, order=np.arange(3.0)[::-1].copy())
    joined = join_events(replace(dataset, train=in_order), events(("a", "z"), ("a", "x")))
    train = joined.dataset.train
    assert train.ages is not None
    ages = dict(zip([train.item_ids[row] for row in train.items_of(0)], train.ages, strict=False))
    assert ages == {"x": 0, "z": 1, "y": 2}


def test_a_pair_that_an_event_repeats_is_as_recent_as_the_event(dataset: Dataset) -> None:
    timed = replace(dataset, train=interactions(("a", "x"), ("a", "y"), ("a", "z"), times=True))
    train = join_events(timed, events(("a", "x"))).dataset.train
    assert train.ages is not None
    assert train.ages.tolist() == [0, 2, 1]
    assert train.times is not None
    assert train.times.tolist() == [0.0, 1.0, 2.0]


def test_repeated_pairs_leave_out_forgotten_users(dataset: Dataset) -> None:
    dataset = replace(dataset, repeated=interactions(("a", "x"), ("b", "z")))
    repeated = join_events(dataset, events(("a", "", FORGET), ("new", "x"))).dataset.repeated
    assert repeated is not None
    assert pairs_of(repeated) == {("b", "z")}
