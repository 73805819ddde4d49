import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.search.sort_keys import best_of, keys_of, not_excluded, rows_of

pairs = st.lists(st.tuples(st.integers(0, 4096), st.integers(0, 2**32 - 1)), max_size=60)


@given(pairs=pairs, k=st.integers(1, 70))
def test_the_best_are_ordered_by_distance_and_row(pairs: list[tuple[int, int]], k: int) -> None:
    distances = np.array([distance for distance, _ in pairs], np.int32)
    rows = np.array([row for _, row in pairs], np.int64)
    keys = keys_of(distances, rows)
    assert rows_of(keys).tolist() == rows.tolist()
    best_distances, best_rows = best_of(keys, k)
    assert list(zip(best_distances.tolist(), best_rows.tolist(), strict=True)) == sorted(pairs)[:k]
    assert (best_distances.dtype, best_rows.dtype) == (np.int32, np.int64)


@given(
    rows=st.lists(st.integers(0, 50), max_size=40),
    excluded=st.lists(st.integers(0, 50), max_size=40),
    repeats=st.sampled_from([1, 1000]),
)
def test_not_excluded_masks_the_excluded_rows(
    rows: list[int], excluded: list[int], repeats: int
) -> None:
    mask = not_excluded(np.array(rows, np.int64), np.array(excluded * repeats, np.int64))
    assert mask.tolist() == [row not in excluded for row in rows]
