import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.search.distinct_codes import DistinctCodes

catalogues = st.lists(st.integers(0, 5), max_size=30).map(
    lambda values: np.array([[value, 7] for value in values], np.uint8).reshape(-1, 2)
)


@given(catalogues)
def test_nodes_are_the_codes_in_order_of_first_appearance(codes: np.ndarray) -> None:
    nodes = DistinctCodes.of(codes)
    assert [code.tobytes() for code in nodes.codes] == list(
        dict.fromkeys(code.tobytes() for code in codes)
    )
    assert np.array_equal(nodes.codes[nodes.node_of_row], codes)


@given(catalogues, st.data())
def test_rows_of_nodes_are_all_rows_with_their_codes(
    codes: np.ndarray, data: st.DataObject
) -> None:
    nodes = DistinctCodes.of(codes)
    chosen = data.draw(
        st.lists(st.integers(0, len(nodes) - 1), unique=True) if len(nodes) else st.just([])
    )
    rows, sizes = nodes.rows_of(np.array(chosen, np.int64))
    expected = [np.flatnonzero(nodes.node_of_row == node).tolist() for node in chosen]
    assert rows.tolist() == [row for group in expected for row in group]
    assert sizes.tolist() == [len(group) for group in expected]


@given(catalogues, st.data())
def test_nodes_within_are_those_with_all_rows(codes: np.ndarray, data: st.DataObject) -> None:
    nodes = DistinctCodes.of(codes)
    rows = data.draw(
        st.sets(st.integers(0, max(0, len(codes) - 1))) if len(codes) else st.just(set())
    )
    within = nodes.nodes_within(np.array(sorted(rows), np.int64))
    expected = [
        node
        for node in range(len(nodes))
        if set(np.flatnonzero(nodes.node_of_row == node).tolist()) <= rows
    ]
    assert within.tolist() == expected
