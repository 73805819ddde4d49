import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.errors import SearchError
from bitrecall.index.fold_in.item_sets import are_in, check_rows, contains_all, newest_first

rows = st.lists(st.integers(0, 9)) | st.lists(st.integers(0, 99), min_size=60, max_size=120)


@given(items=rows)
def test_newest_first_keeps_the_last_occurrence(items: list[int]) -> None:
    expected = list(dict.fromkeys(items[::-1]))
    assert newest_first(np.array(items, np.int64)).tolist() == expected


@given(values=rows, contained=st.sets(st.integers(0, 9)))
def test_finds_values_in_an_increasing_array(values: list[int], contained: set[int]) -> None:
    increasing = np.array(sorted(contained), np.int64)
    found = are_in(np.array(values, np.int64), increasing)
    assert found.tolist() == [value in contained for value in values]
    assert contains_all(increasing, np.array(values, np.int64)) == (set(values) <= contained)


@pytest.mark.parametrize("items", [[], [-1], [3], [0.5]])
def test_rejects_rows_that_do_not_exist(items: list[float]) -> None:
    with pytest.raises(SearchError, match="history 7"):
        check_rows(np.array(items), 3, "history 7")
    check_rows(np.array([0, 2]), 3, "history 7")
