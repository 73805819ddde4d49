from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import StringConstraints, TypeAdapter

from bitrecall.arguments import (
    check_count,
    check_flag,
    check_k,
    check_ks,
    check_number,
    check_path,
    check_prefix,
    check_text,
    id_text,
    id_texts,
)
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


@pytest.mark.parametrize("k", [0, -1, 1.0, "10", None, True, np.True_, np.array([5])])
def test_rejects_an_invalid_k(k):
    with pytest.raises(ArgumentError, match="k has to be"):
        check_k(k)


@pytest.mark.parametrize("ks", [20, None, "20", [], [0], [True], [20, 10**9]])
def test_rejects_invalid_ks(ks):
    with pytest.raises(ArgumentError, match="has to be"):
        check_ks(ks)


def test_accepts_any_collection_of_ks():
    assert (
        check_ks(np.array([20, 50])) == check_ks((20, 50)) == check_ks({20: 1, 50: 1}) == [20, 50]
    )


@pytest.mark.parametrize("value", [1, 0, "no", None, [], np.int64(1)])
def test_rejects_a_flag_that_is_no_bool(value):
    with pytest.raises(ArgumentError, match="explain has to be True or False"):
        check_flag(value, "explain")
    assert check_flag(np.False_, "explain") is check_flag(False, "explain") is False


@pytest.mark.parametrize("path", ["", None, 3, b"a", ["a"]])
def test_rejects_an_empty_path_and_other_values(path):
    with pytest.raises(ArgumentError, match="releases has to be a path"):
        check_path(path, "releases")
    assert check_path(".", "releases") == check_path(Path(), "releases") == Path()


@pytest.mark.parametrize("prefix", [None, 3, b"a", "\ud800"])
def test_rejects_a_prefix_that_is_no_text(prefix):
    with pytest.raises(ArgumentError, match="prefix"):
        check_prefix(prefix)


@pytest.mark.parametrize("value", ["1", None, True, float("nan"), -1])
def test_rejects_what_is_not_a_number_of_at_least_the_minimum(value):
    with pytest.raises(ArgumentError, match="timeout has to be a number of at least 0, not"):
        check_number(value, "timeout", 0)


def test_accepts_numpy_numbers():
    assert check_number(np.float32(0.5), "x") == 0.5
    assert check_count(np.int64(0), "x", 0) == 0


def test_rejects_what_is_not_text():
    with pytest.raises(ArgumentError, match=r"device has to be text such as 'cpu', not None"):
        check_text(None, "device", "cpu")
