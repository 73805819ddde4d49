import json
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import StringConstraints, TypeAdapter

from bitrecall.arguments import check_k, filter_json, id_text, id_texts
from bitrecall.errors import ArgumentError

SERVICE = TypeAdapter(Annotated[str, StringConstraints(strip_whitespace=True)])


def test_strips_the_same_white_space_as_the_service():
    for letter in map(chr, range(0x3100)):
        assert id_text(f"{letter}a{letter}", "user_id") == SERVICE.validate_python(
            f"{letter}a{letter}"
        )


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_converts_ids_as_the_service_does(text):
    stripped = SERVICE.validate_python(text)
    if stripped:
        assert id_text(text, "user_id") == stripped
    else:
        with pytest.raises(ArgumentError, match="user_id is empty"):
            id_text(text, "user_id")


@pytest.mark.parametrize("value", [17, np.int64(17), np.uint8(17)])
def test_accepts_integer_ids(value):
    assert id_text(value, "user_id") == "17"


@pytest.mark.parametrize("value", [None, True, 1.0, b"a", ["a"], "\ud800"])
def test_rejects_other_values_as_ids(value):
    with pytest.raises(ArgumentError) as caught:
        id_text(value, "user_id")
    assert caught.value.argument == "user_id"
    assert isinstance(caught.value, ValueError)


def test_rejects_a_single_text_as_a_list_of_ids():
    with pytest.raises(ArgumentError, match=r"write \[\.\.\.\] around one id"):
        id_texts("abc", "history")
    with pytest.raises(ArgumentError, match=r"history\[1\] has to be an id"):
        id_texts(["a", 1.5], "history")
    assert id_texts(np.array([3, 4]), "history") == ["3", "4"]


@pytest.mark.parametrize("k", [0, -1, 1.0, "10", None, True])
def test_rejects_an_invalid_k(k):
    with pytest.raises(ArgumentError, match="k has to be"):
        check_k(k)


def test_filter_may_contain_numpy_values_and_sets():
    conditions = {"any_tags": {"b", "a"}, "where": {"year": {"gte": np.int64(1990)}}}
    assert json.loads(filter_json(conditions)) == {
        "any_tags": ["a", "b"],
        "where": {"year": {"gte": 1990}},
    }


@pytest.mark.parametrize(
    "conditions",
    [
        ["noir"],
        "noir",
        {"where": {"year": float("nan")}},
        {"where": {"x": object()}},
        {"any_tags": ["\ud800"]},
    ],
)
def test_rejects_a_filter_that_json_cannot_represent(conditions):
    with pytest.raises(ArgumentError, match="filter"):
        filter_json(conditions)
