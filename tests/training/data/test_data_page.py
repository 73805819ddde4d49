from dataclasses import fields
from pathlib import Path

import pytest

from bitrecall.training.data.columns.column_names import ITEM_NAMES, TIME_NAMES, USER_NAMES
from bitrecall.training.data.read_options import Format, ReadOptions, Split, TimeUnit

PAGE = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [field.name for field in fields(ReadOptions)])
def test_every_option_is_in_the_docs(name):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("value", [*Format, *Split, *TimeUnit])
def test_every_value_of_an_option_is_in_the_docs(value):
    assert f"`{value}`" in PAGE


@pytest.mark.parametrize(
    ("role", "names"), [("user", USER_NAMES), ("item", ITEM_NAMES), ("time", TIME_NAMES)]
)
def test_the_common_names_are_in_the_docs_in_their_order(role, names):
    row = next(line for line in PAGE.split("\n") if line.startswith(f"| {role} |"))
    listed = row.split("|")[2].replace("_", "").lower().split(",")
    assert tuple(name.strip() for name in listed) == names
