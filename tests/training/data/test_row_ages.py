"""Ages of rows, compared with plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.row_ages import RowAges

# User, item and order of each row.
ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=40
)


def columns(rows: list[tuple[int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    users, items, order = zip(*rows, strict=True)
    return np.array(users, np.int32), np.array(items, np.int32), np.array(order, np.float64)


def pairs_of(rows: list[tuple[int, int, int]]) -> Interactions:
    users, items, order = columns(rows)
    names = [f"u{row}" for row in range(4)], [f"i{row}" for row in range(4)]
    return collapse(*names, users, items, order=order)


def ages_of(train: Interactions, rows: RowAges) -> list[tuple[int, int, int]]:
    return sorted(
        zip(
            train.users[rows.pairs].tolist(),
            train.items[rows.pairs].tolist(),
            rows.ages.tolist(),
            strict=True,
        )
    )


@given(ROWS, st.booleans(), st.sampled_from([1, 7, 1000]))
def test_counts_the_later_rows_of_the_same_user(
    rows: list[tuple[int, int, int]], ended: bool, rows_at_once: int
) -> None:
    train = pairs_of(rows)
    ends = np.array([5.0, 9.0, 0.0, 7.0]) if ended else None
    users, items, order = columns(rows)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bitrecall.training.data.row_ages._ROWS_AT_ONCE", rows_at_once)
        result = RowAges.of(train, users, items, order, ends)
    distinct = [row for row in set(rows) if ends is None or row[2] <= ends[row[0]]]
    if not train.is_ordered or len(distinct) <= len(train):
        assert result is None
        return
    assert result is not None
    assert ages_of(train, result) == sorted(
        (user, item, sum(u == user and later > at for u, _, later in distinct))
        for user, item, at in distinct
    )


def test_leaves_out_rows_of_other_pairs() -> None:
    rows = [(0, 0, 0), (0, 1, 1), (0, 0, 2), (0, 0, 3), (0, 2, 4), (1, 3, 1), (1, 2, 2)]
    everything = pairs_of(rows)
    train = everything.select(everything.items != 2)
    result = RowAges.of(train, *columns(rows))
    assert result is not None
    assert ages_of(train, result) == [(0, 0, 0), (0, 0, 1), (0, 0, 3), (0, 1, 2), (1, 3, 0)]


def test_is_unknown_without_an_order_or_with_few_repetitions() -> None:
    rows = [(0, item, item) for item in range(4)] * 2
    users, items, order = columns(rows)
    assert RowAges.of(pairs_of(rows), users, items, None) is None
    assert RowAges.of(pairs_of(rows), users, items, order) is None
    assert RowAges.of_pairs(pairs_of([(0, 0, 1), (0, 1, 1)])) is None


@given(ROWS, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_later_rows_make_the_others_older(
    rows: list[tuple[int, int, int]], later: list[tuple[int, int]]
) -> None:
    before = pairs_of(rows)
    known = RowAges.of(before, *columns(rows)) or RowAges.of_pairs(before)
    if known is None:
        return
    added = [(user, item, 100 + at) for at, (user, item) in enumerate(later)]
    users, items, _ = columns([*rows, *added])
    kept = [row for row in rows if row[0] != 2]
    if not (kept or added):
        return
    after = pairs_of([*kept, *added])
    result = known.followed_by(before, after, users[len(rows) :], items[len(rows) :], np.array([2]))
    # Without repetitions, only the latest row of each pair is known.
    kept = (
        [*set(kept)]
        if len(known) > len(before)
        else [(u, i, max(at for *pair, at in kept if pair == [u, i])) for u, i, _ in kept]
    )
    distinct = {*kept, *added}
    if len(distinct) <= len(after):
        assert result is None
        return
    assert result is not None
    assert ages_of(after, result) == sorted(
        (user, item, sum(u == user and at > order for u, _, at in distinct))
        for user, item, order in distinct
    )


def test_rows_before_the_latest_pairs_have_the_ages_of_that_time() -> None:
    # User 0 takes items 0 1 0 2 1 0 3, user 1 items 2 2 3: what is latest is held out.
    rows = [(0, item, at) for at, item in enumerate([0, 1, 0, 2, 1, 0, 3])]
    rows += [(1, item, at) for at, item in enumerate([2, 2, 3])]
    train = pairs_of(rows)
    known = RowAges.of(train, *columns(rows))
    assert known is not None
    latest = (train.users == 0) & np.isin(train.items, [0, 3])
    before = known.before(train, latest)
    expected = [(0, 0, 2), (0, 0, 4), (0, 1, 0), (0, 1, 3), (0, 2, 1)]
    assert ages_of(train, before) == [*expected, (1, 2, 1), (1, 2, 2), (1, 3, 0)]


def test_one_row_per_pair_has_the_age_of_the_pair() -> None:
    train = pairs_of([(0, 0, 3), (0, 1, 1), (1, 0, 0), (1, 1, 1)])
    rows = RowAges.of_pairs(train)
    assert rows is not None
    assert rows.pairs.tolist() == [0, 1, 2, 3]
    assert rows.ages.tolist() == [0, 1, 1, 0]
    assert len(rows) == pytest.approx(4)
