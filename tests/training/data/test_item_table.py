from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from training.data.item_table import ItemTable, read_item_table
from training.errors import DataError


def known(table: ItemTable, *ids: str) -> list[tuple[list[str], dict[str, Any]]]:
    """Tags and attributes of the items named, as a release would have them."""
    attributes = table.of(ids)
    return [(attributes.tags_of(row), attributes.columns_of(row)) for row in range(len(ids))]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_table_in_text(tmp_path: Path, delimiter: str) -> None:
    text = (
        "item_id,price,label,tags\n"
        "007,1.5,Blue Note,jazz|live\n"
        '"a ""b""",,ECM,\n'
        "é 🎈, 2e3 ,, live || jazz |live\n"
    )
    table = read_item_table(write(tmp_path / "items.csv", text.replace(",", delimiter)))
    assert len(table) == 3
    assert table.count(["007", "nobody", "é 🎈"]) == 2
    assert known(table, "é 🎈", "nobody", "007", 'a "b"') == [
        (["jazz", "live"], {"price": 2000.0}),
        ([], {}),
        (["jazz", "live"], {"price": 1.5, "label": "Blue Note"}),
        ([], {"label": "ECM"}),
    ]


def test_a_table_in_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "ID": [7, 8],
            "tags": [["b", "a"], None],
            "price": [3, None],
            "rate": [float("nan"), 0.5],
            "kind": pl.Series(["x", ""], dtype=pl.Categorical),
            "sold": [True, None],
            "since": [date(1970, 1, 2), None],
            "at": [datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC), None],
        }
    )
    frame.write_parquet(tmp_path / "items.parquet")
    assert known(read_item_table(tmp_path / "items.parquet"), "7", "8") == [
        (
            ["a", "b"],
            {"price": 3.0, "since": 86_400.0, "at": 1.5, "kind": "x", "sold": "true"},
        ),
        ([], {"rate": 0.5}),
    ]


def test_a_column_is_text_when_one_value_is_no_number(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item,year,grade,empty\na,1999,1,\nb,2001,A,\n")
    assert known(read_item_table(path), "a", "b") == [
        ([], {"year": 1999.0, "grade": "1"}),
        ([], {"year": 2001.0, "grade": "A"}),
    ]


def test_the_column_of_ids_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item,sku\nlamp,s1\n")
    assert known(read_item_table(path, "sku"), "s1") == [([], {"item": "lamp"})]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("title,price\na,1\n", "no item column under a common name"),
        ("item,price\na,1\n,2\n", "line 3: the item id is empty"),
        ("item,price\na,1\nb,2\na,3\n", "several rows for the item 'a'"),
        ("item,price\na,1\nb,inf\n", "'price' has an infinite number"),
        ("item,price\na,1,2,3\n", "cannot be read as a table of items"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said) as caught:
        read_item_table(write(tmp_path / "items.csv", text))
    assert "items.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"item": [1.5]}, "the item column has type Float64"),
        ({"item": ["a"], "tags": [3]}, "'tags' has type Int64"),
        ({"item": ["a"], "genres": [["x"]]}, "lists of text go into the column 'tags'"),
        ({"item": ["a"], "price": [float("inf")]}, "infinite"),
        ({"item": [None, "a"]}, "row 1: the item id is empty"),
    ],
)
def test_types_that_are_no_attributes_are_refused(
    tmp_path: Path, columns: dict[str, Any], said: str
) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "items.parquet")
    with pytest.raises(DataError, match=said):
        read_item_table(tmp_path / "items.parquet")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for name in ("items.csv", "items.parquet"):
        with pytest.raises(DataError, match=name):
            read_item_table(tmp_path / name)
