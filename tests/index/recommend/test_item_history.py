"""Long histories: as a plain list of what was taken says."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.releases.id_table import IdTable

ITEMS = IdTable.build([f"item {row}" for row in range(300)])
taken = st.lists(
    st.one_of(st.integers(0, 299).map("item {}".format), st.integers(0, 40).map("new {}".format)),
    max_size=600,
)


def each_once(item_ids: Sequence[str]) -> list[str]:
    """In the order in which they were last taken."""
    return list(dict.fromkeys(reversed(item_ids)))[::-1]


@given(taken, st.integers(1, 700))
def test_it_is_as_the_plain_list(item_ids: list[str], most: int) -> None:
    history = ItemHistory.of(item_ids, ITEMS)
    once = each_once(item_ids)
    known = [int(ITEMS.row_of(item)) for item in once if item.startswith("item")]
    assert len(history) == len(once)
    assert sorted(history.rows.tolist()) == sorted(known)
    assert sorted(history.others) == sorted(item for item in once if item.startswith("new"))
    assert history.newest(most) == once[-most:]
    assert history.newest_rows(most).tolist() == known[-most:]
    assert history.newest_rows(most).dtype == history.rows.dtype == np.int64


@given(taken, taken)
def test_what_was_given_out_stays_as_it_is(before: list[str], after: list[str]) -> None:
    history = ItemHistory.of(before, ITEMS)
    rows = history.rows
    kept = rows.tolist()
    for item in after:
        history.append(item)
    assert rows.tolist() == kept
    assert history.rows.tolist()[: len(kept)] == kept
