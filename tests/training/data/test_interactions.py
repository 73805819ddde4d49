import hashlib
import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions, iso_time
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

PAIRS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 6), st.integers(-3, 3)), min_size=0, max_size=40
)
USERS = [f"u{row}" for row in range(6)]
ITEMS = ["é", "a,b", "7", "07", "z z", "🙂", "i"]


def from_rows(rows, user_ids=USERS, item_ids=ITEMS, times=True):
    return collapse(
        list(user_ids),
        list(item_ids),
        np.array([row[0] for row in rows], np.int32),
        np.array([row[1] for row in rows], np.int32),
        np.array([row[2] for row in rows], np.float64) if times else None,
    )


def as_dict(interactions):
    times = [None] * len(interactions) if interactions.times is None else interactions.times
    return {
        (interactions.user_ids[user], interactions.item_ids[item]): time
        for user, item, time in zip(interactions.users, interactions.items, times, strict=True)
    }


def ages_of(interactions):
    ages = interactions.ages
    return None if ages is None else dict(zip(as_dict(interactions), ages.tolist(), strict=True))


@given(PAIRS)
def test_collapse_keeps_each_pair_once_at_its_earliest_time(rows):
    expected = {}
    for user, item, time in rows:
        pair = (USERS[user], ITEMS[item])
        expected[pair] = min(time, expected.get(pair, time))
    interactions = from_rows(rows)
    assert as_dict(interactions) == expected
    assert len(interactions) == len(expected)
    assert (np.diff(interactions.keys()) > 0).all()


@given(PAIRS, st.integers(1, 9))
def test_collapse_in_several_batches_equals_collapse_in_one(rows, at_once):
    expected = from_rows(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bitrecall.training.data.collapse._ROWS_AT_ONCE", at_once)
        found = from_rows(rows)
    for name in ("users", "items", "times", "places"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


@given(PAIRS)
def test_collapse_without_times_keeps_each_pair_once(rows):
    assert set(as_dict(from_rows(rows, times=False))) == {(USERS[u], ITEMS[i]) for u, i, _ in rows}


@given(PAIRS)
def test_degrees_and_indptr_count_pairs(rows):
    interactions = from_rows(rows)
    pairs = {(user, item) for user, item, _ in rows}
    assert interactions.user_degrees.tolist() == [sum(u == r for u, _ in pairs) for r in range(6)]
    assert interactions.item_degrees.tolist() == [sum(i == r for _, i in pairs) for r in range(7)]
    for user in range(6):
        own = interactions.items[interactions.indptr[user] : interactions.indptr[user + 1]]
        assert own.tolist() == sorted(item for u, item in pairs if u == user)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_fingerprint_ignores_the_order_of_rows_and_ids(rows, random):
    user_rows, item_rows = list(range(6)), list(range(7))
    random.shuffle(user_rows)
    random.shuffle(item_rows)
    moved = [(user_rows.index(user), item_rows.index(item), time) for user, item, time in rows]
    random.shuffle(moved)
    other = from_rows(
        moved, [USERS[row] for row in user_rows], [ITEMS[row] for row in item_rows] + ["unused"]
    )
    assert other.sha256() == from_rows(rows).sha256()


@given(PAIRS, PAIRS)
@example(
    [(0, 0, 0), (0, 1, 0), (0, 2, 0), (0, 2, -1), (1, 1, -1)],
    [(0, 0, 0), (0, 1, 0), (0, 2, -1), (1, 1, -1)],
)
def test_the_fingerprint_differs_for_other_interactions(rows, others):
    first, second = from_rows(rows), from_rows(others)
    equal = as_dict(first) == as_dict(second) and ages_of(first) == ages_of(second)
    assert (first.sha256() == second.sha256()) == equal


def test_the_fingerprint_separates_ids():
    first = from_rows([(0, 0, 0)], ["ab"], ["c"], times=False)
    second = from_rows([(0, 0, 0)], ["a"], ["bc"], times=False)
    assert first.sha256() != second.sha256()


def test_the_fingerprint_depends_on_times():
    rows = [(0, 0, 0), (1, 1, 0)]
    later = [(0, 0, 0), (1, 1, 1)]
    prints = {from_rows(rows).sha256(), from_rows(later).sha256()}
    prints.add(from_rows(rows, times=False).sha256())
    assert len(prints) == 3


def test_the_fingerprint_is_the_documented_bytes():
    interactions = from_rows([(0, 0, 5), (1, 0, 6), (1, 1, 7)], ["b", "a"], ["y", "x"])
    # Ranks: a, b and x, y. Sorted pairs: (a, x, 7), (a, y, 6), (b, y, 5).
    content = b"bitrecall interactions 1\n"
    for ids in (b"ab", b"xy"):
        content += struct.pack("<I", 2)
        for letter in ids:
            content += struct.pack("<IB", 1, letter)
    content += struct.pack("<3i3i3d", 0, 0, 1, 0, 1, 1, 7.0, 6.0, 5.0)
    assert interactions.sha256() == hashlib.sha256(content).hexdigest()


def test_negative_zero_is_the_same_instant_as_zero():
    row = np.zeros(1, np.int32)
    pair = Interactions(["u"], ["i"], row, row, np.array([-0.0]))
    assert pair.sha256() == from_rows([(0, 0, 0)], ["u"], ["i"]).sha256()


@given(PAIRS)
def test_compact_removes_unused_ids_and_keeps_the_order(rows):
    interactions = from_rows(rows)
    compact = interactions.compact()
    assert as_dict(compact) == as_dict(interactions)
    assert compact.user_ids == [USERS[row] for row in sorted({user for user, _, _ in rows})]
    assert compact.item_ids == [ITEMS[row] for row in sorted({item for _, item, _ in rows})]


def test_select_shares_the_vocabulary():
    interactions = from_rows([(0, 0, 5), (1, 2, 6)])
    chosen = interactions.select(np.array([False, True]))
    assert chosen.user_ids is interactions.user_ids
    assert chosen.item_ids is interactions.item_ids
    assert as_dict(chosen) == {("u1", "7"): 6.0}


def test_first_and_last_time_are_iso_in_utc():
    interactions = from_rows([(0, 0, 1), (1, 2, 0)])
    assert interactions.first_time == "1970-01-01T00:00:00Z"
    assert interactions.last_time == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize("times", [True, False])
def test_without_pairs_first_and_last_time_are_none(times):
    nothing = from_rows([], times=times)
    assert (nothing.first_time, nothing.last_time, len(nothing)) == (None, None, 0)
    assert nothing.compact().n_items == 0
    assert len(nothing.sha256()) == 64


def test_a_time_before_1970_is_rounded_down():
    assert iso_time(-0.5) == "1969-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("users", "items", "times", "message"),
    [
        ([0, 1], [0], None, "items must be int32 and as long as users"),
        ([0, 2], [0, 0], None, "users contains rows outside the 2 ids"),
        ([0, -1], [0, 0], None, "users contains rows outside the 2 ids"),
        ([0, 1], [0, 3], None, "items contains rows outside the 3 ids"),
        ([0, 1], [0, 1], [1.0], "times must be float64 and as long as users"),
    ],
)
def test_rejects_arrays_that_do_not_fit(users, items, times, message):
    with pytest.raises(DataError, match=message):
        Interactions(
            ["a", "b"],
            ["x", "y", "z"],
            np.array(users, np.int32),
            np.array(items, np.int32),
            None if times is None else np.array(times),
        )


def test_rejects_another_dtype():
    with pytest.raises(DataError, match="users must be int32"):
        Interactions(["a"], ["x"], np.zeros(1, np.int64), np.zeros(1, np.int32))


@given(PAIRS)
def test_a_pair_has_the_place_of_the_row_that_was_kept(rows):
    whole = from_rows(rows)
    for part in (whole, whole.compact(), whole.select(whole.items > 2)):
        for user, item, time, place in zip(
            part.users, part.items, part.times, part.places, strict=True
        ):
            ids = (part.user_ids[user], part.item_ids[item], time)
            assert ids == (USERS[rows[place][0]], ITEMS[rows[place][1]], rows[place][2])


def test_rejects_places_of_another_length():
    empty = np.zeros(0, np.int32)
    with pytest.raises(DataError, match="places must be int64"):
        Interactions([], [], empty, empty, places=np.zeros(1, np.int64))


def test_ages_count_the_users_later_pairs():
    rows = [("a", "x", 3.0), ("a", "y", 1.0), ("b", "x", 5.0), ("a", "z", 2.0)]
    users, items, times = (np.array(column) for column in zip(*rows, strict=True))
    interactions = collapse(
        ["a", "b"],
        ["x", "y", "z"],
        np.searchsorted(["a", "b"], users).astype(np.int32),
        np.searchsorted(["x", "y", "z"], items).astype(np.int32),
        times,
    )
    assert interactions.ages.tolist() == [0, 2, 1, 0]
    assert interactions.select(times[[0, 1, 3, 2]] < 3).ages.tolist() == [1, 0]


@pytest.mark.parametrize("times", [None, np.zeros(3)])
def test_without_different_times_there_are_no_ages(times):
    users, items = np.array([0, 0, 1], np.int32), np.array([0, 1, 0], np.int32)
    assert Interactions(["a", "b"], ["x", "y"], users, items, times).ages is None


def one_user(times, order=None):
    n = len(times)
    users, items = np.zeros(n, np.int32), np.arange(n, dtype=np.int32)
    return Interactions(
        ["a"], [f"i{row}" for row in range(n)], users, items, np.array(times), order=order
    )


def test_pairs_of_equal_times_have_equal_ages():
    assert one_user([1.0, 1.0, 2.0, 0.0, 2.0]).ages.tolist() == [2, 2, 0, 4, 0]


def test_the_order_takes_precedence_over_the_times():
    assert one_user([1.0, 2.0, 3.0], np.array([5.0, 4.0, 3.0])).ages.tolist() == [0, 1, 2]


def test_rejects_an_order_of_another_length():
    with pytest.raises(DataError, match="order must be float64"):
        one_user([1.0, 2.0], np.zeros(3))


@given(PAIRS)
def test_selected_and_compact_pairs_keep_their_order(rows):
    whole = from_rows(rows)
    order_of = dict(zip(whole.keys().tolist(), whole.order.tolist(), strict=True))
    part = whole.select(whole.items > 2)
    assert [order_of[key] for key in part.keys().tolist()] == part.order.tolist()
    assert part.compact().order.tolist() == part.order.tolist()


def test_the_fingerprint_depends_on_an_order_that_times_do_not_give():
    times = [1.0, 2.0, 3.0]
    by_times = one_user(times).sha256()
    assert one_user(times, np.array(times)).sha256() == by_times
    reverse = one_user(times, np.array([3.0, 2.0, 1.0])).sha256()
    assert reverse != by_times
    assert one_user(times, np.array([9.0, 5.0, 0.0])).sha256() == reverse
