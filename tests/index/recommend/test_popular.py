"""The popular list, compared with a plain one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.recommend.popular import popular_lists, popular_rows

sizes = st.integers(0, 12)
rows = st.lists(st.integers(0, 11), max_size=12)
masks = st.none() | st.lists(st.booleans(), min_size=12, max_size=12)


@given(n_items=sizes, k=sizes, exclude=st.none() | rows, allowed=masks)
def test_rows_are_the_first_allowed(
    n_items: int, k: int, exclude: list[int] | None, allowed: list[bool] | None
) -> None:
    expected = [
        row
        for row in range(n_items)
        if row not in (exclude or []) and (allowed is None or allowed[row])
    ]
    result = popular_rows(
        n_items,
        k,
        None if exclude is None else np.array(exclude, np.int64),
        None if allowed is None else np.array(allowed[:n_items], np.bool_),
    )
    assert result.tolist() == expected[:k]


@given(n_items=sizes, k=sizes, excluded=st.lists(st.none() | rows, max_size=4))
def test_pads_lists(n_items: int, k: int, excluded: list[list[int] | None]) -> None:
    exclude = [None if rows is None else np.array(rows, np.int32) for rows in excluded]
    lists = popular_lists(n_items, k, exclude)
    assert lists.shape == (len(excluded), k)
    for padded, rows in zip(lists.tolist(), exclude, strict=True):
        best = popular_rows(n_items, k, rows).tolist()
        assert padded == best + [-1] * (k - len(best))
