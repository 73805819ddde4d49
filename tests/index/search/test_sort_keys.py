import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.search.sort_keys import best_of, keys_of, open_rows, rows_of

pairs = st.lists(st.tuples(st.integers(0, 4096), st.integers(0, 2**32 - 1)), max_size=60)


@given(pairs=pairs, k=st.integers(1, 70))
def test_the_best_are_the_nearest_and_of_those_the_smallest_rows(
    pairs: list[tuple[int, int]], k: int
) -> None:
    distances = np.array([distance for distance, _ in pairs], np.int32)
    rows = np.array([row for _, row in pairs], np.int64)
    keys = keys_of(distances, rows)
    assert rows_of(keys).tolist() == rows.tolist()
    near, which = best_of(keys, k)
    assert list(zip(near.tolist(), which.tolist(), strict=True)) == sorted(pairs)[:k]
    assert (near.dtype, which.dtype) == (np.int32, np.int64)


@given(
    rows=st.lists(st.integers(0, 50), max_size=40),
    excluded=st.lists(st.integers(0, 50), max_size=40),
    often=st.sampled_from([1, 1000]),
)
def test_open_rows_are_those_that_are_not_banned(
    rows: list[int], excluded: list[int], often: int
) -> None:
    found = open_rows(np.array(rows, np.int64), np.array(excluded * often, np.int64))
    assert found.tolist() == [row not in excluded for row in rows]
