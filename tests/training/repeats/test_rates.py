from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.repeats.rates import ListedItems, fit_rates


def listed(decayed: Any, own_taken: Any, others_taken: Any) -> ListedItems:
    return ListedItems(
        np.arange(len(decayed)),
        np.array(decayed, float),
        np.array(own_taken, bool),
        np.arange(len(others_taken)) + 100,
        np.array(others_taken, bool),
    )


def test_rates_are_shares_of_taken_items():
    generator = np.random.default_rng(0)
    users = []
    for _ in range(2000):
        decayed = generator.choice([0.2, 1.0, 2.0], 6)
        users.append(
            listed(
                decayed,
                generator.random(6) < np.array([0.1, 0.3, 0.6])[np.searchsorted([0.2, 1], decayed)],
                generator.random(30) < np.where(np.arange(30) < 2, 0.4, 0.05),
            )
        )
    repeats = fit_rates(users, 5.0)
    assert repeats.fault() is None
    assert repeats.decay == 5.0
    for count, rate in ((0.2, 0.1), (1.0, 0.3), (2.0, 0.6)):
        number = np.searchsorted(repeats.counts, count, side="right") - 1
        assert abs(repeats.own_rates[number] - rate) < 0.03
    assert repeats.ranks == (1, 2, 3, 5, 8, 13, 21)
    assert all(abs(rate - 0.4) < 0.04 for rate in repeats.other_rates[:2])
    assert all(abs(rate - 0.05) < 0.01 for rate in repeats.other_rates[2:])


rows = st.lists(st.tuples(st.floats(0, 30, width=16), st.booleans()), min_size=1, max_size=30)


@given(st.lists(st.tuples(rows, st.lists(st.booleans(), min_size=1, max_size=40)), min_size=1))
def test_any_data_has_valid_rates(users):
    lists = []
    for own, others in users:
        decayed, taken = zip(*own, strict=True)
        lists.append(listed(decayed, taken, others))
    repeats = fit_rates(lists, 5.0)
    assert repeats.fault() is None


def test_more_common_items_have_no_lower_rate():
    few = [listed([0.1], [True], [False, True]), listed([5.0], [False], [True, False])]
    repeats = fit_rates(few, 5.0)
    assert len(set(repeats.own_rates)) == 1
