import numpy as np
import pytest

from bitrecall.index.search.milvus.completeness import QueryFilter, merge, nearest_if_complete
from bitrecall.index.search.protocol import Results

ALL = QueryFilter(np.array([], np.int64), None)


def response(*pairs: tuple[int, int]) -> Results:
    """Distances and rows."""
    distances, rows = zip(*pairs, strict=True)
    return np.array(distances, np.int32), np.array(rows, np.int64)


def rows_of(result: Results | None) -> list[int] | None:
    return None if result is None else result[1].tolist()


def test_a_response_below_the_limit_is_complete() -> None:
    result = nearest_if_complete(response((1, 7), (2, 9), (2, 4)), 4, 2, ALL)
    assert rows_of(result) == [7, 4]


def test_ties_at_the_last_distance_of_a_full_response_may_be_omitted() -> None:
    pairs = ((1, 7), (2, 9), (2, 4))
    assert nearest_if_complete(response(*pairs), 3, 2, ALL) is None
    assert rows_of(nearest_if_complete(response(*pairs), 3, 1, ALL)) == [7]
    assert rows_of(nearest_if_complete(response(*pairs, (3, 0)), 4, 2, ALL)) == [7, 4]


@pytest.mark.parametrize(
    "row_filter",
    [
        QueryFilter(np.array([4, 7]), None),
        QueryFilter(np.array([], np.int64), np.arange(10) % 3 == 0),
        QueryFilter(np.array([7]), np.arange(10) != 4),
    ],
)
def test_rows_that_are_not_accepted_do_not_count(row_filter: QueryFilter) -> None:
    full = response((1, 7), (2, 9), (2, 4), (3, 0))
    assert rows_of(nearest_if_complete(full, 4, 1, row_filter)) == [9]
    assert nearest_if_complete(full, 4, 2, row_filter) is None
    assert rows_of(nearest_if_complete(full, 5, 2, row_filter)) == [9, 0]


def test_merged_results_are_ordered_by_distance_and_row() -> None:
    distances, rows = merge([response((1, 8), (3, 2)), response((1, 5), (2, 9))], 3)
    assert rows.tolist() == [5, 8, 9]
    assert distances.tolist() == [1, 1, 2]
