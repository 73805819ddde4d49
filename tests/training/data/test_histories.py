import numpy as np
import pytest

from bitrecall.training.data.histories import histories
from bitrecall.training.data.interactions import Interactions


@pytest.fixture
def pairs() -> Interactions:
    users = np.array([0, 0, 0, 0, 2], np.int32)
    items = np.array([1, 3, 4, 5, 0], np.int32)
    times = np.array([7.0, 5.0, 7.0, 9.0, 1.0])
    return Interactions(["a", "b", "c"], [str(row) for row in range(6)], users, items, times)


def test_the_newest_item_is_last(pairs: Interactions) -> None:
    lists = histories(pairs, [2, 0, 1])
    assert [items.tolist() for items in lists] == [[0], [3, 1, 4, 5], []]


def test_equally_old_items_are_in_random_order_on_request(pairs: Interactions) -> None:
    generator = np.random.default_rng(0)
    drawn = {tuple(histories(pairs, [0], generator)[0].tolist()) for _ in range(50)}
    assert drawn == {(3, 1, 4, 5), (3, 4, 1, 5)}


def test_without_an_order_all_items_are_equally_old(pairs: Interactions) -> None:
    as_set = Interactions(pairs.user_ids, pairs.item_ids, pairs.users, pairs.items)
    assert histories(as_set, [0])[0].tolist() == [1, 3, 4, 5]
    assert sorted(histories(as_set, [0], np.random.default_rng(0))[0].tolist()) == [1, 3, 4, 5]
