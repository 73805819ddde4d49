import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.split import (
    by_time,
    cut_validation,
    latest_per_user,
    random_per_user,
    takes_latest,
)
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

FRACTIONS = st.floats(0.01, 0.99)


@st.composite
def interactions(draw):
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 4), st.integers(0, 7), st.integers(0, 5)),
            min_size=1,
            max_size=60,
        )
    )
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    return collapse(
        [f"u{row}" for row in range(6)],
        [f"i{row}" for row in range(8)],
        users.astype(np.int32),
        items.astype(np.int32),
        times.astype(np.float64),
    )


def pairs(part):
    return set(zip(part.users.tolist(), part.items.tolist(), part.times.tolist(), strict=True))


def parts(whole, held_out):
    return whole.select(~held_out), whole.select(held_out)


def assert_partition(whole, train, held_out):
    assert pairs(train).isdisjoint(pairs(held_out))
    assert pairs(train) | pairs(held_out) == pairs(whole)
    assert len(train) + len(held_out) == len(whole)
    for part in (train, held_out):
        assert part.user_ids is whole.user_ids
        assert part.item_ids is whole.item_ids


@given(
    interactions(), FRACTIONS, st.integers(0, 9), st.sampled_from([random_per_user, cut_validation])
)
def test_a_random_split_keeps_at_least_one_pair_of_each_user(whole, fraction, seed, split):
    train, held_out = split(whole, fraction, seed)
    assert_partition(whole, train, held_out)
    assert (train.user_degrees[whole.user_degrees > 0] >= 1).all()
    expected = fraction * whole.user_degrees
    assert (held_out.user_degrees <= np.ceil(expected)).all()
    assert (held_out.user_degrees >= np.minimum(np.floor(expected), whole.user_degrees - 1)).all()


@given(interactions(), FRACTIONS, st.integers(0, 9))
def test_holds_out_as_many_of_the_latest_pairs_as_at_random(whole, fraction, seed):
    train, held_out = cut_validation(whole, fraction, seed, "latest")
    assert_partition(whole, train, held_out)
    at_random = cut_validation(whole, fraction, seed)[1]
    assert held_out.user_degrees.tolist() == at_random.user_degrees.tolist()
    for user in np.flatnonzero(held_out.user_degrees):
        kept, last = (part.order[part.users == user] for part in (train, held_out))
        assert kept.max() <= last.min()


def test_without_times_holds_out_the_pairs_that_were_read_last():
    users, items = np.array([0, 1, 0, 1, 0, 1]), np.array([2, 0, 1, 2, 0, 1])
    whole = collapse(["u", "v"], ["a", "b", "c"], users.astype(np.int32), items.astype(np.int32))
    train, held_out = cut_validation(whole, 1 / 3, 0, "latest")
    assert list(zip(held_out.users.tolist(), held_out.items.tolist(), strict=True)) == [
        (0, 0),
        (1, 1),
    ]
    assert train.items_of(0).tolist() == [1, 2]


def test_of_equal_times_holds_out_random_pairs():
    users, items = np.zeros(9, np.int32), np.arange(9, dtype=np.int32)
    times = np.array([5.0, *[7.0] * 8])
    whole = collapse(["u"], [f"i{row}" for row in range(9)], users, items, times)
    held_out = [cut_validation(whole, 2 / 9, seed, "latest")[1].items for seed in range(40)]
    assert set(np.concatenate(held_out).tolist()) == set(range(1, 9))
    again = cut_validation(whole, 2 / 9, 3, "latest")[1].items
    assert again.tolist() == held_out[3].tolist()


def test_holding_out_the_latest_needs_times_or_an_order():
    whole = large(2, 4)
    unordered = Interactions(whole.user_ids, whole.item_ids, whole.users, whole.items)
    with pytest.raises(DataError, match="hold out random interactions instead"):
        cut_validation(unordered, 0.5, 0, "latest")


@given(interactions(), FRACTIONS)
def test_a_split_by_time_holds_out_the_latest_pairs(whole, fraction):
    train, held_out = parts(whole, by_time(whole, fraction))
    assert_partition(whole, train, held_out)
    if len(whole) > 1:
        assert len(held_out) == min(max(round(fraction * len(whole)), 1), len(whole) - 1)
        assert train.times.max() <= held_out.times.min()
    else:
        assert len(held_out) == 0


@given(interactions(), FRACTIONS, st.integers(0, 9))
def test_the_same_seed_gives_the_same_split(whole, fraction, seed):
    once, again = (random_per_user(whole, fraction, seed) for _ in range(2))
    assert pairs(once[1]) == pairs(again[1])


def large(n_users=2_000, n_items=30):
    users, items = np.divmod(np.arange(n_users * n_items), n_items)
    return collapse(
        [str(row) for row in range(n_users)],
        [str(row) for row in range(n_items)],
        users.astype(np.int32),
        items.astype(np.int32),
        np.arange(n_users * n_items, dtype=np.float64),
    )


def test_holds_out_the_fraction_on_average_even_below_one_pair_per_user():
    few = large(n_items=4)
    _, held_out = random_per_user(few, 0.1, seed=3)
    assert 0.09 < len(held_out) / len(few) < 0.11


def test_holds_out_each_item_of_a_user_with_equal_probability():
    whole = large()
    _, held_out = random_per_user(whole, 0.5, seed=5)
    assert (abs(held_out.item_degrees / 2_000 - 0.5) < 0.06).all()


def test_other_seeds_and_the_validation_split_are_independent():
    whole = large()
    held_out = [
        random_per_user(whole, 0.5, 0)[1],
        random_per_user(whole, 0.5, 1)[1],
        cut_validation(whole, 0.5, 0)[1],
    ]
    for first in range(3):
        for second in range(first):
            shared = len(pairs(held_out[first]) & pairs(held_out[second]))
            assert 0.2 < shared / len(whole) < 0.3


def test_a_user_with_one_pair_keeps_it():
    pair = collapse(["u"], ["i"], np.zeros(1, np.int32), np.zeros(1, np.int32))
    train, held_out = random_per_user(pair, 0.99, 0)
    assert (len(train), len(held_out)) == (1, 0)


def test_ties_in_time_go_by_row():
    whole = large(n_users=1, n_items=4)
    same = collapse(whole.user_ids, whole.item_ids, whole.users, whole.items, np.zeros(4))
    assert same.items[by_time(same, 0.5)].tolist() == [2, 3]


def test_a_split_by_time_may_hold_out_a_whole_user():
    whole = large(n_users=2, n_items=5)
    train, held_out = parts(whole, by_time(whole, 0.5))
    assert train.user_degrees.tolist() == [5, 0]
    assert held_out.user_degrees.tolist() == [0, 5]


def test_a_split_by_time_needs_times():
    without = collapse(["u"], ["i"], np.zeros(1, np.int32), np.zeros(1, np.int32))
    with pytest.raises(DataError, match="--time-column NAME, or use --split random"):
        by_time(without, 0.5)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
@pytest.mark.parametrize(
    "split", [by_time, lambda x, f: random_per_user(x, f, 0), lambda x, f: cut_validation(x, f, 0)]
)
def test_rejects_a_fraction_outside_0_and_1(split, fraction):
    with pytest.raises(DataError, match="between 0 and 1"):
        split(large(2, 2), fraction)


def test_rejects_a_negative_seed():
    with pytest.raises(DataError, match="seed must be 0 or more"):
        random_per_user(large(2, 2), 0.5, -1)


def test_auto_holds_out_the_latest_if_there_are_times():
    users, items = np.zeros(8, np.int32), np.arange(8, dtype=np.int32)
    times = np.array([3.0, 9, 1, 7, 2, 8, 4, 6])
    train = Interactions(["a"], [f"i{row}" for row in range(8)], users, items, times)
    assert takes_latest(train, "auto")
    _, held_out = cut_validation(train, 0.25, 0, "auto")
    assert held_out.items.tolist() == [1, 5]


def test_auto_holds_out_random_pairs_without_times():
    users, items = np.zeros(8, np.int32), np.arange(8, dtype=np.int32)
    train = Interactions(["a"], [f"i{row}" for row in range(8)], users, items, places=np.arange(8))
    assert not takes_latest(train, "auto")
    expected = cut_validation(train, 0.25, 0, "random")[1].items
    assert cut_validation(train, 0.25, 0, "auto")[1].items.tolist() == expected.tolist()


@given(interactions(), FRACTIONS, st.integers(0, 9))
def test_the_latest_of_each_user_are_held_out_by_their_first_rows(whole, fraction, seed):
    train, held_out = parts(whole, latest_per_user(whole, fraction, seed))
    assert_partition(whole, train, held_out)
    at_random = random_per_user(whole, fraction, seed)[1]
    assert held_out.user_degrees.tolist() == at_random.user_degrees.tolist()
    for user in np.flatnonzero(held_out.user_degrees):
        kept, last = (part.times[part.users == user] for part in (train, held_out))
        assert kept.max() <= last.min()


def test_the_latest_of_each_user_need_an_order():
    whole = large(2, 4)
    unordered = Interactions(whole.user_ids, whole.item_ids, whole.users, whole.items)
    with pytest.raises(DataError, match="pass --lines-in-order if lines are in order"):
        latest_per_user(unordered, 0.5, 0)
