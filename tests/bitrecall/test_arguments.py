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


def test_blanks_around_an_id_are_those_that_the_service_takes_off():
    for letter in map(chr, range(0x3100)):
        assert id_text(f"{letter}a{letter}", "user_id") == SERVICE.validate_python(
            f"{letter}a{letter}"
        )


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_an_id_is_what_the_service_makes_of_it(text):
    stripped = SERVICE.validate_python(text)
    if stripped:
        assert id_text(text, "user_id") == stripped
    else:
        with pytest.raises(ArgumentError, match="user_id is empty"):
            id_text(text, "user_id")


@pytest.mark.parametrize("value", [17, np.int64(17), np.uint8(17)])
def test_integers_are_ids(value):
    assert id_text(value, "user_id") == "17"


@pytest.mark.parametrize("value", [None, True, 1.0, b"a", ["a"], "\ud800"])
def test_other_values_are_not_ids(value):
    with pytest.raises(ArgumentError) as caught:
        id_text(value, "user_id")
    assert caught.value.argument == "user_id"
    assert isinstance(caught.value, ValueError)


def test_one_text_is_not_a_list_of_ids():
    with pytest.raises(ArgumentError, match=r"write \[\.\.\.\] around one id"):
        id_texts("abc", "history")
    with pytest.raises(ArgumentError, match=r"history\[1\] has to be an id"):
        id_texts(["a", 1.5], "history")
    assert id_texts(np.array([3, 4]), "history") == ["3", "4"]


@pytest.mark.parametrize("k", [0, -1, 1.0, "10", None, True])
def test_k_is_a_whole_number_from_one_up(k):
    with pytest.raises(ArgumentError, match="k has to be"):
        check_k(k)


def test_numbers_of_numpy_and_sets_go_into_a_filter():
    wanted = {"any_tags": {"b", "a"}, "where": {"year": {"gte": np.int64(1990)}}}
    written = json.loads(filter_json(wanted))
    assert written == {"any_tags": ["a", "b"], "where": {"year": {"gte": 1990}}}


@pytest.mark.parametrize(
    "wanted",
    [
        ["noir"],
        "noir",
        {"where": {"year": float("nan")}},
        {"where": {"x": object()}},
        {"any_tags": ["\ud800"]},
    ],
)
def test_what_json_cannot_say_is_no_filter(wanted):
    with pytest.raises(ArgumentError, match="filter"):
        filter_json(wanted)
