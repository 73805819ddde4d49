from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.errors import ReleaseContentsError
from bitrecall.index.releases.attributes import ARRAY_NAMES, ItemAttributes
from bitrecall.index.releases.files import ARRAYS

TABLE = ItemAttributes.build(
    3,
    tags=[["jazz", "live"], [], ["live", "live"]],
    numbers={"year": [1959, np.nan, 2001.5]},
    texts={"label": ["Blue Note", "ECM", None], "country": [None, "NO", "US"]},
)


def test_what_was_said_of_an_item_comes_back() -> None:
    assert [TABLE.tags_of(row) for row in range(3)] == [["jazz", "live"], [], ["live"]]
    assert [TABLE.columns_of(row) for row in range(3)] == [
        {"year": 1959.0, "label": "Blue Note"},
        {"label": "ECM", "country": "NO"},
        {"year": 2001.5, "country": "US"},
    ]


def test_nothing_is_known_without_columns() -> None:
    nothing = ItemAttributes.build(3)
    assert nothing.fault(3) is None
    assert (nothing.tags_of(2), nothing.columns_of(2)) == ([], {})
    assert nothing.numbers.shape == nothing.texts.shape == (0, 3)


tag_sets = st.lists(st.sets(st.sampled_from("abcde")), max_size=12)


@given(tag_sets)
def test_tags_come_back_from_the_items_of_each(tags: list[set[str]]) -> None:
    table = ItemAttributes.build(len(tags), tags=tags)
    assert [table.tags_of(row) for row in range(len(tags))] == [sorted(item) for item in tags]


def test_the_arrays_are_those_of_the_format_and_come_back() -> None:
    arrays = TABLE.arrays()
    assert {name: array.dtype.str for name, array in arrays.items()} == {
        name: ARRAYS[name] for name in ARRAY_NAMES
    }
    back = ItemAttributes.from_arrays(arrays, TABLE.number_names, TABLE.text_names)
    assert back.fault(3) is None
    assert [back.columns_of(row) for row in range(3)] == [TABLE.columns_of(row) for row in range(3)]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"tags": [["a"]]}, "tags has 1 values for 3 items"),
        ({"numbers": {"year": [1.0]}}, "year has 1 values for 3 items"),
        ({"texts": {"label": ["a", "b"]}}, "label has 2 values for 3 items"),
        ({"numbers": {"year": [1.0, np.inf, 2.0]}}, "infinite"),
        ({"numbers": {"": [1.0, 2.0, 3.0]}}, "not all different"),
        ({"numbers": {"x": [1.0] * 3}, "texts": {"x": ["a"] * 3}}, "not all different"),
        ({"texts": {"label": ["a", "", "b"]}}, "empty"),
        ({"tags": [["a"], [""], []]}, "empty"),
    ],
)
def test_columns_that_make_no_sense_are_refused(columns: dict[str, Any], said: str) -> None:
    with pytest.raises(ReleaseContentsError, match=said):
        ItemAttributes.build(3, **columns)


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("attribute_numbers.npy", np.zeros((2, 3))),
        ("attribute_numbers.npy", np.zeros((1, 3), np.float32)),
        ("attribute_numbers.npy", np.array([[1, 2, np.inf]])),
        ("attribute_texts.npy", np.zeros((2, 2), np.int32)),
        ("attribute_texts.npy", np.full((2, 3), 4, np.int32)),
        ("attribute_texts.npy", np.full((2, 3), -2, np.int32)),
        ("tag_text.npy", np.frombuffer(b"\xff" * 8, np.uint8)),
        ("value_text.npy", np.zeros(0, np.uint8)),
        ("tag_rows.npy", np.array([0, 0, 3], np.int32)),
    ],
)
def test_the_array_at_fault_is_named(name: str, array: np.ndarray) -> None:
    table = ItemAttributes.from_arrays(
        TABLE.arrays() | {name: array}, TABLE.number_names, TABLE.text_names
    )
    found = table.fault(3)
    assert found is not None
    assert found[0] == name
    assert found[1]
