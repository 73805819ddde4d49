"""Counts of pairs, compared with plain loops over rows."""

from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.releases.repeats import Repeats
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.repeats.past_counts import (
    in_order,
    pair_counts,
    pair_order,
    seen_in_order,
    seen_repeats,
)

SEQUENCES = st.lists(st.lists(st.integers(0, 5), min_size=2, max_size=15), min_size=2, max_size=4)


def interactions_of(sequences):
    rows = [(u, i, at) for u, items in enumerate(sequences) for at, i in enumerate(items)]
    users, items, at = zip(*rows, strict=True)
    columns = np.array(users, np.int32), np.array(items, np.int32), np.array(at, np.float64)
    names = [f"u{row}" for row in range(len(sequences))], [f"i{row}" for row in range(6)]
    train = collapse(*names, *columns[:2], order=columns[2])
    return train, RowAges.of(train, *columns)


def slow_counts(sequence, decay):
    """Return count and decayed count of each item."""
    counts = {}
    for age, item in enumerate(reversed(sequence)):
        count, decayed = counts.get(item, (0, 0.0))
        counts[item] = count + 1, decayed + exp(-age / decay)
    return counts


def assert_counts(result, train, expected):
    for pair, (user, item) in enumerate(zip(train.users, train.items, strict=True)):
        count, decayed = expected[user].get(item, (0, 0.0))
        assert result.counts[pair] == count
        assert result.decayed[pair] == pytest.approx(decayed)


@given(SEQUENCES)
def test_counts_rows_by_age(sequences):
    train, rows = interactions_of(sequences)
    if rows is None:
        return
    result = pair_counts(rows, len(train), 3.0)
    assert_counts(result, train, [slow_counts(items, 3.0) for items in sequences])


def test_counts_are_in_the_rows_of_a_release():
    train, rows = interactions_of([[0, 1, 1], [2, 0, 2, 2]])
    assert rows is not None
    order = np.array([2, 1, 0, 3, 4, 5])
    by_pair = pair_order(train, order)
    assert by_pair.tolist() == [1, 0, 3, 2]
    assert pair_counts(in_order(rows, by_pair), 4, 1.0).counts.tolist() == [2, 1, 3, 1]
    fields = {
        "decay": 2.0,
        "counts": [0.0],
        "own_rates": [0.5],
        "ranks": [1],
        "other_rates": [0.1],
    }
    seen = seen_repeats(fields, train, rows, order)
    assert seen is not None
    assert seen.rates == Repeats(2.0, (0.0,), (0.5,), (1,), (0.1,))
    assert seen.counts.tolist() == [2, 1, 3, 1]
    assert seen.decayed[0] == pytest.approx(1 + exp(-0.5))
    again = seen_in_order(seen, train, order)
    assert again is not None
    assert again.counts.tolist() == [1, 2, 1, 3]
    assert again.decayed[1] == seen.decayed[0]
    assert seen_in_order(None, train, order) is None
    assert seen_repeats(None, train, rows, order) is None
    assert seen_repeats(fields, train, None, order) is None
