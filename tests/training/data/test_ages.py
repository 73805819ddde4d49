import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.ages import ages_by_user, orders_most_users

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(-3, 3)), max_size=40)


@given(ROWS)
def test_an_age_is_the_number_of_the_users_strictly_later_pairs(rows):
    users, order = np.array(rows, np.int64).reshape(-1, 2).T
    expected = [sum(u == user and o > time for u, o in rows) for user, time in rows]
    assert ages_by_user(users, order).tolist() == expected


@given(ROWS)
def test_ages_do_not_depend_on_the_order_of_the_arrays(rows):
    users, order = np.array(rows, np.int64).reshape(-1, 2).T
    assert ages_by_user(users[::-1], order[::-1])[::-1].tolist() == (
        ages_by_user(users, order).tolist()
    )


@given(ROWS)
def test_ages_of_ages_are_the_same(rows):
    users, order = np.array(rows, np.int64).reshape(-1, 2).T
    ages = ages_by_user(users, order)
    assert ages_by_user(users, -ages).tolist() == ages.tolist()


@pytest.mark.parametrize(
    ("users", "order", "expected"),
    [
        ([], [], False),
        ([0, 1, 2], [1, 2, 3], False),  # one pair each
        ([0, 0, 1, 1], [5, 5, 5, 5], False),  # an import: all times are equal
        ([0, 0, 1, 1], [5, 5, 7, 7], False),  # a time per user, such as that of the registration
        ([0, 0, 1, 1], [5, 6, 7, 7], True),
        ([0, 0, 1, 1, 2, 2], [5, 6, 7, 7, 7, 7], False),
        ([0, 0, 0, 1, 2, 3], [5, 5, 6, 7, 7, 7], True),  # users with one pair do not count
    ],
)
def test_times_order_pairs_if_they_differ_for_half_of_the_users(users, order, expected):
    rows = np.array(users, np.int32), np.array(order, np.float64)
    assert orders_most_users(*rows) is expected
