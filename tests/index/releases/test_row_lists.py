import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.errors import ReleaseContentsError, SearchError
from bitrecall.index.releases.row_lists import RowLists

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40)


@given(pairs)
def test_lists_distinct_items_in_increasing_order(interactions: list[tuple[int, int]]) -> None:
    users = np.array([user for user, _ in interactions], np.int64)
    items = np.array([item for _, item in interactions], np.int64)
    seen = RowLists.from_pairs(users, items, 6)
    expected = [
        sorted({item for user, item in interactions if user == owner}) for owner in range(6)
    ]
    assert [seen[user].tolist() for user in range(6)] == expected
    assert seen.lengths.tolist() == [len(items) for items in expected]
    assert len(seen) == 6
    assert (seen.indptr.dtype, seen.rows.dtype) == (np.int64, np.int32)
    assert seen.fault(6, 10) is None
    listed = RowLists.from_lists(expected)
    assert np.array_equal(listed.indptr, seen.indptr)
    assert np.array_equal(listed.rows, seen.rows)


def test_builds_empty_lists() -> None:
    seen = RowLists.from_lists([[], [3], []])
    assert [seen[user].tolist() for user in range(3)] == [[], [3], []]
    assert len(RowLists.from_lists([])) == 0


@pytest.mark.parametrize(
    ("users", "items"), [([0, 9], [1, 1]), ([-1], [0]), ([0], [-1]), ([0], [1, 2]), ([[0]], [[0]])]
)
def test_rejects_invalid_pairs(users: list[int], items: list[int]) -> None:
    with pytest.raises(ReleaseContentsError):
        RowLists.from_pairs(np.array(users), np.array(items), 3)


@pytest.mark.parametrize("user", [-1, 2])
def test_rejects_an_unknown_owner(user: int) -> None:
    with pytest.raises(SearchError, match="no list"):
        RowLists.from_lists([[1], [2]])[user]


def seen_of(indptr: list[int], rows: list[int]) -> RowLists:
    return RowLists(np.array(indptr, np.int64), np.array(rows, np.int32))


@pytest.mark.parametrize(
    ("seen", "message"),
    [
        (seen_of([0, 1, 3], [0, 1, 2]), None),
        (seen_of([0, 2, 3], [0, 1, 0]), None),
        (seen_of([0, 0, 0], []), None),
        (seen_of([0, 1], [0]), "shape"),
        (seen_of([1, 1, 2], [0, 1]), "rise"),
        (seen_of([0, 2, 1], [0]), "rise"),
        (seen_of([0, 1, 5], [0]), "rise"),
        (seen_of([0, 9, 2], [0, 1]), "rise"),
        (seen_of([0, 1, 2], [0, 3]), "outside"),
        (seen_of([0, 1, 2], [0, -1]), "outside"),
        (seen_of([0, 2, 2], [1, 1]), "increasing"),
        (seen_of([0, 0, 2], [2, 1]), "increasing"),
        (RowLists(np.zeros(3, np.int32), np.zeros(0, np.int32)), "int64"),
    ],
)
def test_reports_faults(seen: RowLists, message: str | None) -> None:
    fault = seen.fault(2, 3)
    assert fault is None if message is None else fault is not None and message in fault
