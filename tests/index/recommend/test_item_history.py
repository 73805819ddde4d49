"""A long history, compared with a plain list of interactions."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.recommend.item_history import MAX_INTERACTIONS, ItemHistory
from bitrecall.index.releases.id_table import IdTable

ITEMS = IdTable.build([f"item {row}" for row in range(300)])
interactions = st.lists(
    st.one_of(st.integers(0, 299).map("item {}".format), st.integers(0, 40).map("new {}".format)),
    max_size=600,
)


def distinct(item_ids: Sequence[str]) -> list[str]:
    """Return the distinct items in the order of their latest interaction."""
    return list(dict.fromkeys(reversed(item_ids)))[::-1]


@given(interactions, st.integers(1, 700))
def test_agrees_with_a_plain_list(item_ids: list[str], limit: int) -> None:
    history = ItemHistory.of(item_ids, ITEMS)
    items = distinct(item_ids)
    known = [int(ITEMS.row_of(item)) for item in items if item.startswith("item")]
    assert len(history) == len(items)
    assert sorted(history.rows.tolist()) == sorted(known)
    assert sorted(history.unknown_ids) == sorted(item for item in items if item.startswith("new"))
    assert history.newest(limit) == items[-limit:]
    assert history.newest_rows(limit).tolist() == known[-limit:]
    assert history.newest_interactions() == item_ids
    assert history.newest_rows(limit).dtype == history.rows.dtype == np.int64


@given(interactions, interactions)
def test_returned_rows_do_not_change(before: list[str], after: list[str]) -> None:
    history = ItemHistory.of(before, ITEMS)
    rows = history.rows
    returned = rows.tolist()
    for item in after:
        history.append(item)
    assert rows.tolist() == returned
    assert history.rows.tolist()[: len(returned)] == returned


def test_keeps_a_limited_number_of_interactions() -> None:
    history = ItemHistory.of(["item 1"] * MAX_INTERACTIONS + ["item 2"], ITEMS)
    assert history.newest_interactions() == ["item 1"] * (MAX_INTERACTIONS - 1) + ["item 2"]
