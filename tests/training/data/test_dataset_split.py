import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.dataset_split import with_test_split
from bitrecall.training.data.load import dataset_of
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

# User, item and time of each row. A user may take an item several times.
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 9)), min_size=2, max_size=40
)


def frame(rows, times=True):
    users, items, at = zip(*rows, strict=True)
    columns = {"user_id": [f"u{row}" for row in users], "item_id": [f"i{row}" for row in items]}
    return pl.DataFrame({**columns, "timestamp": at} if times else columns)


def pairs(part):
    if part is None:
        return set()
    return {
        (int(part.user_ids[user][1:]), int(part.item_ids[item][1:]))
        for user, item in zip(part.users, part.items, strict=True)
    }


def ages_of(part):
    return dict(
        zip(
            zip(part.users.tolist(), part.items.tolist(), strict=True),
            part.ages.tolist(),
            strict=True,
        )
    )


@given(ROWS, st.sampled_from([Split.TIME, Split.LATEST]), st.floats(0.05, 0.6))
def test_train_has_no_rows_after_the_first_held_out_row(rows, split, fraction):
    dataset = dataset_of(frame(rows), ReadOptions(split=split, test_fraction=fraction))
    test = pairs(dataset.test)
    first_of_pair = {}
    for user, item, time in rows:
        first_of_pair[user, item] = min(time, first_of_pair.get((user, item), time))
    starts = {
        user: min(
            (first_of_pair[pair] for pair in test if split is Split.TIME or pair[0] == user),
            default=np.inf,
        )
        for user in range(4)
    }
    others = [row for row in rows if row[:2] not in test]
    before = [row for row in others if row[2] <= starts[row[0]]]
    assert pairs(dataset.train) == {row[:2] for row in others} == {row[:2] for row in before}
    assert pairs(dataset.repeated) == {row[:2] for row in others if row[2] > starts[row[0]]}
    last = {row[:2]: max(r[2] for r in before if r[:2] == row[:2]) for row in before}
    train = dataset.train
    order = dict(zip(train.keys().tolist(), train.order.tolist(), strict=True))
    key_of = {
        (int(train.user_ids[u][1:]), int(train.item_ids[i][1:])): k
        for u, i, k in zip(train.users, train.items, train.keys().tolist(), strict=True)
    }
    assert {pair: order[key] for pair, key in key_of.items()} == last
    assert dataset.report.duplicates_collapsed == len(rows) - len(first_of_pair)
    assert dataset.report.test_pairs_in_train == len(pairs(dataset.repeated))


@given(ROWS, st.sampled_from([Split.TIME, Split.LATEST]))
def test_the_test_pairs_are_those_of_data_without_repeats(rows, split):
    first = {}
    for row in sorted(rows, key=lambda row: row[2]):
        first.setdefault(row[:2], row)
    options = ReadOptions(split=split, test_fraction=0.4)
    once = [row for row in rows if first.pop(row[:2], None) is not None]
    assume(len(once) == len({row[:2] for row in rows}))
    earliest = [(u, i, min(r[2] for r in rows if r[:2] == (u, i))) for u, i, _ in once]
    with_repeats, without = (dataset_of(frame(data), options) for data in (rows, earliest))
    assert pairs(with_repeats.test) == pairs(without.test)
    assert pairs(with_repeats.train) == pairs(without.train)


@given(ROWS, st.sampled_from([Split.LATEST, Split.NONE, Split.AUTO]))
def test_lines_in_order_are_like_times_that_count_lines(rows, split):
    """Lines in the order of one user's items, as if their times were 1, 2, 3, …"""
    numbered = [(user, item, number) for number, (user, item, _) in enumerate(rows, start=1)]
    split = Split.LATEST if split is Split.AUTO else split
    by_lines = dataset_of(
        frame(rows, times=False), ReadOptions(split=split, lines_in_order=True, test_fraction=0.3)
    )
    by_times = dataset_of(frame(numbered), ReadOptions(split=split, test_fraction=0.3))
    for left, right in ((by_lines.train, by_times.train), (by_lines.test, by_times.test)):
        assert pairs(left) == pairs(right)
    assert pairs(by_lines.repeated) == pairs(by_times.repeated)
    assert by_lines.train.times is None
    if by_times.train.ages is None:
        assert by_lines.train.ages is None
    else:
        assert ages_of(by_lines.train) == ages_of(by_times.train)


def test_auto_takes_the_latest_of_each_user_if_lines_are_in_order():
    rows = [(user, item, 0) for item in range(10) for user in range(2)]
    dataset = dataset_of(frame(rows, times=False), ReadOptions(lines_in_order=True))
    assert dataset.report.split is Split.LATEST
    assert pairs(dataset.test) == {(user, item) for user in range(2) for item in (8, 9)}


@pytest.mark.parametrize("time_of", [lambda user, item: 5, lambda user, item: user])
def test_auto_is_random_if_the_times_of_a_user_are_equal(time_of):
    rows = [(user, item, time_of(user, item)) for user in range(4) for item in range(5)]
    dataset = dataset_of(frame(rows))
    assert dataset.report.split is Split.RANDOM
    assert dataset.test.user_degrees.tolist() == [1, 1, 1, 1]


def test_days_that_several_interactions_share_are_an_order():
    rows = [(user, item, item // 4) for user in range(3) for item in range(12)]
    dataset = dataset_of(frame(rows), ReadOptions(split=Split.NONE))
    assert dataset.train.ages[:12].tolist() == [8] * 4 + [4] * 4 + [0] * 4


def test_the_test_may_contain_repeated_pairs_on_request():
    rows = [(0, item, item) for item in range(8)] + [(0, 1, 20), (0, 7, 21)]
    dataset = dataset_of(frame(rows), ReadOptions(test_fraction=0.25))
    assert pairs(dataset.test) == {(0, 6), (0, 7)}
    assert pairs(dataset.repeated) == {(0, 1)}
    assert dataset.held_out() is dataset.test
    assert pairs(dataset.held_out(with_repeats=True)) == {(0, 1), (0, 6), (0, 7)}


def test_the_weights_of_train_do_not_count_later_rows():
    data = frame([(0, item, item) for item in range(8)] + [(0, 1, 20)])
    data = data.with_columns(weight=pl.Series([1.0] * 8 + [100.0]))
    options = ReadOptions(weight="weight", pair_weight="sum", test_fraction=0.25)
    assert dataset_of(data, options).train.weights.tolist() == [1.0] * 6


def test_a_repeated_item_is_as_recent_as_its_last_line():
    rows = [(0, 0, 0), (0, 1, 0), (0, 2, 0), (0, 0, 0)]
    options = ReadOptions(lines_in_order=True, split=Split.NONE)
    assert dataset_of(frame(rows, times=False), options).train.ages.tolist() == [0, 2, 1]


def test_rejects_lines_in_order_for_data_with_times():
    rows = [(0, 0, 0), (0, 1, 1)]
    options = ReadOptions(lines_in_order=True, split=Split.NONE)
    with pytest.raises(DataError, match=r"'timestamp', and --lines-in-order .* --ignore-times"):
        dataset_of(frame(rows), options)
    ignored = ReadOptions(lines_in_order=True, split=Split.NONE, use_times=False)
    assert dataset_of(frame(rows[::-1]), ignored).train.ages.tolist() == [1, 0]


def test_the_latest_of_each_user_need_an_order():
    with pytest.raises(DataError, match="pass --lines-in-order"):
        dataset_of(frame([(0, 0, 0), (0, 1, 1)], times=False), ReadOptions(split=Split.LATEST))


def test_another_table_may_be_the_test_split():
    train = collapse(
        ["a", "b"],
        ["x", "y"],
        np.array([0, 0, 1], np.int32),
        np.array([0, 1, 1], np.int32),
        times=np.array([1.0, 2.0, 3.0]),
    )
    test = collapse(
        ["new", "b"],
        ["y", "z", "x"],
        np.array([0, 1, 1, 1], np.int32),
        np.array([0, 0, 1, 2], np.int32),
    )
    result = with_test_split(Dataset(train, None, "clicks", ReadReport()), test)
    held_out = result.test
    assert held_out is not None
    named = [
        (held_out.user_ids[user], held_out.item_ids[item])
        for user, item in zip(held_out.users, held_out.items, strict=True)
    ]
    # b already has y in the training split.
    assert sorted(named) == [("b", "x"), ("b", "z"), ("new", "y")]
    assert result.train.user_ids == held_out.user_ids == ["a", "b", "new"]
    assert result.train.item_ids == held_out.item_ids == ["x", "y", "z"]
    assert result.train.sha256() == train.sha256()
    report = result.report
    assert (report.split, report.test_pairs_in_train) == ("given", 1)
    assert (report.test_users_not_in_train, report.test_items_not_in_train) == (1, 1)
