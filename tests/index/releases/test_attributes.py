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


def test_returns_the_attributes_of_an_item() -> None:
    assert [TABLE.tags_of(row) for row in range(3)] == [["jazz", "live"], [], ["live"]]
    assert [TABLE.columns_of(row) for row in range(3)] == [
        {"year": 1959.0, "label": "Blue Note"},
        {"label": "ECM", "country": "NO"},
        {"year": 2001.5, "country": "US"},
    ]


def test_builds_without_columns() -> None:
    empty = ItemAttributes.build(3)
    assert empty.fault(3) is None
    assert (empty.tags_of(2), empty.columns_of(2)) == ([], {})
    assert empty.numbers.shape == empty.texts.shape == (0, 3)


tag_sets = st.lists(st.sets(st.sampled_from("abcde")), max_size=12)


@given(tag_sets)
def test_returns_the_tags_of_every_item(tags: list[set[str]]) -> None:
    table = ItemAttributes.build(len(tags), tags=tags)
    assert [table.tags_of(row) for row in range(len(tags))] == [sorted(item) for item in tags]


def test_arrays_have_the_dtypes_of_the_format_and_can_be_loaded() -> None:
    arrays = TABLE.arrays()
    assert {name: array.dtype.str for name, array in arrays.items()} == {
        name: ARRAYS[name] for name in ARRAY_NAMES
    }
    loaded = ItemAttributes.from_arrays(arrays, TABLE.number_names, TABLE.text_names)
    assert loaded.fault(3) is None
    assert [loaded.columns_of(row) for row in range(3)] == [
        TABLE.columns_of(row) for row in range(3)
    ]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"tags": [["a"]]}, "tags has 1 values for 3 items"),
        ({"numbers": {"year": [1.0]}}, "year has 1 values for 3 items"),
        ({"texts": {"label": ["a", "b"]}}, "label has 2 values for 3 items"),
        ({"numbers": {"year": [1.0, np.inf, 2.0]}}, "infinite"),
        ({"numbers": {"": [1.0, 2.0, 3.0]}}, "empty or repeated"),
        ({"numbers": {"x": [1.0] * 3}, "texts": {"x": ["a"] * 3}}, "empty or repeated"),
        ({"texts": {"label": ["a", "", "b"]}}, "empty"),
        ({"tags": [["a"], [""], []]}, "empty"),
    ],
)
def test_rejects_invalid_columns(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ReleaseContentsError, match=message):
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
def test_names_the_array_at_fault(name: str, array: np.ndarray) -> None:
    table = ItemAttributes.from_arrays(
        TABLE.arrays() | {name: array}, TABLE.number_names, TABLE.text_names
    )
    fault = table.fault(3)
    assert fault is not None
    assert fault[0] == name
    assert fault[1]
