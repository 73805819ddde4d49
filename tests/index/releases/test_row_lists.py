import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.errors import ReleaseContentsError, SearchError
from bitrecall.index.releases.row_lists import RowLists

pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=40)


@given(pairs)
def test_each_user_has_their_items_once_and_increasing(given_pairs: list[tuple[int, int]]) -> None:
    users = np.array([user for user, _ in given_pairs], np.int64)
    items = np.array([item for _, item in given_pairs], np.int64)
    seen = RowLists.from_pairs(users, items, 6)
    expected = [
        sorted({item for user, item in given_pairs if user == wanted}) for wanted in range(6)
    ]
    assert [seen[user].tolist() for user in range(6)] == expected
    assert seen.lengths.tolist() == [len(items) for items in expected]
    assert len(seen) == 6
    assert (seen.indptr.dtype, seen.rows.dtype) == (np.int64, np.int32)
    assert seen.fault(6, 10) is None
    listed = RowLists.from_lists(expected)
    assert np.array_equal(listed.indptr, seen.indptr)
    assert np.array_equal(listed.rows, seen.rows)


def test_users_without_items_have_none() -> None:
    seen = RowLists.from_lists([[], [3], []])
    assert [seen[user].tolist() for user in range(3)] == [[], [3], []]
    assert len(RowLists.from_lists([])) == 0


@pytest.mark.parametrize(
    ("users", "items"), [([0, 9], [1, 1]), ([-1], [0]), ([0], [-1]), ([0], [1, 2]), ([[0]], [[0]])]
)
def test_pairs_that_make_no_sense_are_refused(users: list[int], items: list[int]) -> None:
    with pytest.raises(ReleaseContentsError):
        RowLists.from_pairs(np.array(users), np.array(items), 3)


@pytest.mark.parametrize("user", [-1, 2])
def test_an_unknown_owner_is_refused(user: int) -> None:
    with pytest.raises(SearchError, match="no list"):
        RowLists.from_lists([[1], [2]])[user]


def seen_of(indptr: list[int], rows: list[int]) -> RowLists:
    return RowLists(np.array(indptr, np.int64), np.array(rows, np.int32))


@pytest.mark.parametrize(
    ("seen", "said"),
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
def test_faults_are_found(seen: RowLists, said: str | None) -> None:
    fault = seen.fault(2, 3)
    assert fault is None if said is None else fault is not None and said in fault
