from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.index.errors import FilterError
from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.filters import Condition, ItemFilter

ITEMS = 6
TAGS = [["a", "b"], ["b"], [], ["a", "c"], ["c"], ["a", "b", "c"]]
PRICES = [1.0, 2.0, np.nan, 2.0, 3.5, -1.0]
BRANDS = ["x", "y", "x", None, "z", "x"]
TABLE = ItemAttributes.build(ITEMS, tags=TAGS, numbers={"price": PRICES}, texts={"brand": BRANDS})


def matching(**conditions: Any) -> list[int]:
    conditions["where"] = tuple(conditions.get("where", {}).items())
    return np.flatnonzero(ItemFilter(**conditions).matching(TABLE, ITEMS)).tolist()


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"any_tags": {"b", "c"}}, [0, 1, 3, 4, 5]),
        ({"all_tags": {"a", "c"}}, [3, 5]),
        ({"no_tags": {"a"}}, [1, 2, 4]),
        ({"any_tags": {"unknown"}}, []),
        ({"all_tags": {"a", "unknown"}}, []),
        ({"no_tags": {"unknown"}}, [0, 1, 2, 3, 4, 5]),
        ({"where": {"price": Condition(one_of=frozenset({2.0, -1}))}}, [1, 3, 5]),
        ({"where": {"price": Condition(one_of=frozenset())}}, []),
        ({"where": {"price": Condition(at_least=2)}}, [1, 3, 4]),
        ({"where": {"price": Condition(above=2)}}, [4]),
        ({"where": {"price": Condition(at_most=2)}}, [0, 1, 3, 5]),
        ({"where": {"price": Condition(below=2, above=-1)}}, [0]),
        ({"where": {"price": Condition()}}, [0, 1, 3, 4, 5]),
        ({"where": {"brand": Condition(one_of=frozenset({"x", "z"}))}}, [0, 2, 4, 5]),
        ({"where": {"brand": Condition(one_of=frozenset({"unknown"}))}}, []),
        ({"where": {"brand": Condition()}}, [0, 1, 2, 4, 5]),
        ({"any_tags": {"b"}, "where": {"price": Condition(below=2)}}, [0, 5]),
    ],
)
def test_all_conditions_must_hold(conditions: dict[str, Any], expected: list[int]) -> None:
    assert matching(**conditions) == expected


tag_sets = st.frozensets(st.sampled_from("abcd"), max_size=3)


@given(tag_sets, tag_sets, tag_sets)
def test_tags_are_sets(any_tags: frozenset[str], all_tags: Any, no_tags: Any) -> None:
    expected = [
        row
        for row, tags in enumerate(map(set, TAGS))
        if (not any_tags or tags & any_tags) and all_tags <= tags and not no_tags & tags
    ]
    assert matching(any_tags=any_tags, all_tags=all_tags, no_tags=no_tags) == expected


@pytest.mark.parametrize(
    ("name", "condition", "message"),
    [
        ("colour", Condition(), "'colour': expected brand, price"),
        ("price", Condition(one_of=frozenset({"x"})), "price is a number"),
        ("brand", Condition(one_of=frozenset({1.0})), "brand is a text: expected texts"),
        ("brand", Condition(at_least=0.0), "only numbers have bounds"),
    ],
)
def test_rejects_an_invalid_condition_and_names_the_attribute(
    name: str, condition: Condition, message: str
) -> None:
    with pytest.raises(FilterError, match=message) as caught:
        matching(where={name: condition})
    assert caught.value.attribute == name


def test_reports_a_release_without_attributes() -> None:
    with pytest.raises(FilterError, match="this release has no attributes"):
        ItemFilter(where=(("price", Condition()),)).matching(ItemAttributes.build(2), 2)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, True),
        ({"no_tags": frozenset("a")}, True),
        ({"any_tags": frozenset("a")}, False),
        ({"all_tags": frozenset("a")}, False),
        ({"where": (("price", Condition()),)}, False),
    ],
)
def test_matches_an_unknown_item_only_without_requirements(
    conditions: dict[str, Any], expected: bool
) -> None:
    item_filter = ItemFilter(**conditions)
    assert item_filter.matches_unknown is expected
    unknown = ItemAttributes.build(1, numbers={"price": [np.nan]})
    assert item_filter.matching(unknown, 1).tolist() == [expected]
