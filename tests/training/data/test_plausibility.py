from collections.abc import Iterable

import numpy as np
import pytest

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.plausibility import check_plausible, plausibility_warnings
from bitrecall.training.errors import DataError


def dataset(pairs: Iterable[tuple[int, int]]) -> Dataset:
    users, items = np.array(list(pairs), np.int32).T
    names = [
        [f"{kind}{n}" for n in range(rows.max() + 1)] for kind, rows in (("u", users), ("i", items))
    ]
    user_names, item_names = names
    return Dataset(collapse(user_names, item_names, users, items), None, "clicks", ReadReport())


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(0, n) for n in range(5)], "only one user, 'u0'"),
        ([(n, 0) for n in range(5)], "only one item, 'i0'"),
        ([(n, n % 3) for n in range(200)], "nearly all of the 200 users have a single pair"),
        ([(n % 3, n) for n in range(200)], "no users share items"),
        ([(0, 0), (1, 1)], "no users share items"),
        (
            [*((0, n) for n in range(300)), (1, 1), (1, 2), (2, 1)],
            "300 of 303 pairs have the same",
        ),
        (
            [*((n, 0) for n in range(300)), (1, 1), (2, 1), (3, 1)],
            "300 of 303 pairs have the same",
        ),
        ([*((n, n % 3) for n in range(500)), (0, 1)], "500 users have a single pair"),
    ],
)
def test_rejects_implausible_data(pairs: list[tuple[int, int]], expected: str) -> None:
    data = dataset(pairs)
    assert expected in "; ".join(plausibility_warnings(data))
    with pytest.raises(DataError, match=r"--user-column and --item-column.*--allow-implausible"):
        check_plausible(data, False)
    assert check_plausible(data, True) == plausibility_warnings(data)


@pytest.mark.parametrize(
    "pairs",
    [
        [(0, 0), (0, 1), (1, 0)],
        [(n // 3, (n * 7) % 11) for n in range(90)],
        [(n // 2, n % 50) for n in range(400)],
        # An item with half of all pairs, and a user with many.
        [*((n, 0) for n in range(100)), *((n, 1 + n % 40) for n in range(100))],
    ],
)
def test_accepts_small_and_skewed_data(pairs: list[tuple[int, int]]) -> None:
    assert plausibility_warnings(dataset(pairs)) == []


def test_counts_the_test_split() -> None:
    data = dataset([(0, 0), (1, 1), (0, 1), (1, 0)])
    train = data.train.select(np.array([True, False, False, True]))
    test = data.train.select(np.array([False, True, True, False]))
    assert plausibility_warnings(Dataset(train, test, "clicks", ReadReport())) == []
