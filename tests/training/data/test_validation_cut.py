"""The validation cut of data in which users take items again, compared with plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.data.split import cut_validation
from bitrecall.training.data.validation_cut import validation_cut

SEQUENCES = st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=25), min_size=1, max_size=6)


def interactions_of(sequences):
    """Return the pairs and the rows of each user's items in order."""
    rows = [(u, i, at) for u, items in enumerate(sequences) for at, i in enumerate(items)]
    columns = np.array(rows, np.int32).T
    users, items, at = columns[0], columns[1], columns[2].astype(np.float64)
    names = [f"u{row}" for row in range(len(sequences))], [f"i{row}" for row in range(10)]
    train = collapse(*names, users, items, order=at)
    return train, RowAges.of(train, users, items, at)


def end_of_past(items, removed):
    """Return how many rows are before the last row of the first held-out item."""
    last = {item: at for at, item in enumerate(items)}
    return min((last[item] for item in removed), default=len(items))


@given(SEQUENCES, st.floats(0.1, 0.8))
def test_holds_out_the_latest_pairs_with_new_items(sequences, share):
    train, rows = interactions_of(sequences)
    _, latest = cut_validation(train, share, 0, "latest")
    result = validation_cut(train, rows, share, 0, "latest")
    past = {
        user: items[: end_of_past(items, latest.items_of(user).tolist())]
        for user, items in enumerate(sequences)
    }
    new = {
        (user, item)
        for user, item in zip(latest.users.tolist(), latest.items.tolist(), strict=True)
        if item not in past[user]
    }
    if rows is None or 2 * len({user for user, _ in new}) < len(set(latest.users.tolist())):
        assert result.latest is None
        assert result.held_out.keys().tolist() == latest.keys().tolist()
        return
    assert result.latest is not None
    assert train.keys()[result.latest].tolist() == latest.keys().tolist()
    held_out = result.held_out
    assert {*zip(held_out.users.tolist(), held_out.items.tolist(), strict=True)} == new
    part = result.part
    assert len(part) + len(held_out) == len(train)
    # The ages of the fit do not reveal what was taken again.
    order = dict(zip(part.keys().tolist(), part.order.tolist(), strict=True))
    for user, items in past.items():
        last = {item: at for at, item in enumerate(items)}
        by_order = sorted(part.items_of(user).tolist(), key=lambda i: order[user * 10 + i])
        assert by_order == sorted(last, key=last.__getitem__)


@pytest.mark.parametrize("cut", ["random", "latest"])
def test_is_the_usual_cut_without_rows(cut):
    train, _ = interactions_of([[0, 1, 2, 1, 3], [4, 5, 4, 6]])
    part, held_out, latest = validation_cut(train, None, 0.4, 0, cut)
    expected = cut_validation(train, 0.4, 0, cut)
    assert (part.sha256(), held_out.sha256()) == tuple(half.sha256() for half in expected)
    assert latest is None


def test_is_the_usual_cut_if_it_takes_random_pairs():
    train, rows = interactions_of([[0, 1, 2, 1, 3], [4, 5, 4, 6]])
    assert rows is not None
    assert validation_cut(train, rows, 0.4, 0, "random").latest is None
