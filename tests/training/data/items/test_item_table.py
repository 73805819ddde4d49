import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bitrecall.training.data.items.item_table import read_item_table
from bitrecall.training.errors import DataError
from tests.training.data.items.item_tables import known, write

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_reads_delimited_text(tmp_path: Path, delimiter: str) -> None:
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


def test_reads_parquet(tmp_path: Path) -> None:
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


def test_reads_ids_from_a_requested_column(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item,sku\nlamp,s1\n")
    assert known(read_item_table(path, "sku"), "s1") == [([], {"item": "lamp"})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("title,price\na,1\n", "no item column with a common name"),
        ("item,price\na,1\n,2\n", r"the item id is empty \(line 3\)"),
        ("item,price\na,1\nb,2\na,3\n", "different rows for the item 'a': line 2 and line 4"),
        ("item,price\na,1\nb,inf\n", "'price' has an infinite number"),
        ("item,price\na,1,2,3\n", "has 4 fields"),
    ],
)
def test_rejects_an_invalid_table(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read_item_table(write(tmp_path / "items.csv", text))
    assert "items.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"item": [1.5]}, "the item column has type Float64"),
        ({"item": ["a"], "tags": [3]}, "'tags' has type Int64"),
        ({"item": ["a"], "genres": [["x"]]}, "lists of text are tags"),
        ({"item": ["a"], "price": [float("inf")]}, "infinite"),
        ({"item": [None, "a"]}, r"the item id is empty \(row 1\)"),
    ],
)
def test_rejects_unsupported_types(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    pl.DataFrame(columns).write_parquet(tmp_path / "items.parquet")
    with pytest.raises(DataError, match=message):
        read_item_table(tmp_path / "items.parquet")


def test_rejects_a_file_that_does_not_exist(tmp_path: Path) -> None:
    for name in ("items.csv", "items.parquet"):
        with pytest.raises(DataError, match=name):
            read_item_table(tmp_path / name)


def test_reads_a_table_with_tags_only(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item_id,tags\n1,a|b\n2,\n")
    assert known(read_item_table(path), "1", "2", "3") == [(["a", "b"], {}), ([], {}), ([], {})]


@pytest.mark.parametrize("name", ["tags", "Tags", " TAGS ", "_tags"])
def test_finds_the_tags_column_in_any_case(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "items.csv", f"item_id,{name}\n1,a|b\n")
    assert known(read_item_table(path), "1") == [(["a", "b"], {})]


def test_reads_tags_from_a_requested_column(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item_id,genres,tags\n1,x|y,z\n")
    assert known(read_item_table(path, tags_column="genres"), "1") == [(["x", "y"], {"tags": "z"})]
    with pytest.raises(DataError, match=r"'genre' \(--tags-column\)"):
        read_item_table(path, tags_column="genre")


def test_equal_values_have_equal_types_in_every_format(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "item": ["a", "b", "c"],
            "price": [1.5, None, 3.0],
            "sold": [True, False, None],
            "day": [date(2024, 1, 1), None, date(1969, 12, 31)],
            "label": ["é", None, "z"],
            "tags": [["x", "y"], ["y"], ["z"]],
        }
    )
    frame.write_parquet(tmp_path / "a.parquet")
    frame.with_columns(pl.col("day").cast(pl.String)).write_ndjson(tmp_path / "b.jsonl")
    text = frame.with_columns(pl.col("tags").list.join("|"))
    text.write_csv(tmp_path / "c.csv")
    (tmp_path / "d.csv.gz").write_bytes(gzip.compress((tmp_path / "c.csv").read_bytes()))
    (tmp_path / "e").mkdir()
    for part in range(3):
        text[part : part + 1].write_csv(tmp_path / "e" / f"part-{part}.csv")
    expected = known(read_item_table(tmp_path / "a.parquet"), "a", "b", "c")
    assert expected[2] == (["z"], {"price": 3.0, "day": -86400.0, "label": "z"})
    for name in ("b.jsonl", "c.csv", "d.csv.gz", "e"):
        assert known(read_item_table(tmp_path / name), "a", "b", "c") == expected, name


def test_counts_a_repeated_row_once(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item,price\n1,5\n2,6\n1,5\n")
    table = read_item_table(path)
    assert len(table) == 2
    assert table.notes == ("identical rows of an item: 1 ignored",)


def test_ignores_a_column_without_a_name(tmp_path: Path) -> None:
    table = read_item_table(write(tmp_path / "items.csv", ",item,price\n0,1,5\n1,2,6\n"))
    assert known(table, "2") == [([], {"price": 6.0})]
    assert table.notes == ("a column without a name is ignored",)


def test_rejects_a_table_without_any_trained_item_and_shows_ids_of_both(tmp_path: Path) -> None:
    table = read_item_table(write(tmp_path / "items.csv", "item,price\n1.0,5\n2.0,6\n"))
    with pytest.raises(
        DataError, match=r"ids such as '1\.0', '2\.0', the interactions such as '1', '2'"
    ):
        table.check_against(["1", "2"])


def test_warns_about_a_table_with_few_of_the_items(tmp_path: Path) -> None:
    table = read_item_table(write(tmp_path / "items.csv", "item,price\n1,5\n2,6\n"))
    assert table.check_against(["1", "2", "3"]) == []
    (warning,) = table.check_against(["1", "x", "y"])
    assert "only 1 of the 3 items; items without a row: 'x', 'y'" in warning


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("id,title,artist\n1,a,x\n2,b,x\n", ["1", "2"]),
        ("artist_id,track_id\nx,1\nx,2\n", ["1", "2"]),
        ("id,item_id\nx,1\ny,2\n", ["1", "2"]),
    ],
)
def test_prefers_an_id_column_with_distinct_values(
    tmp_path: Path, text: str, ids: list[str]
) -> None:
    assert read_item_table(write(tmp_path / "items.csv", text)).ids.to_list() == ids


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\r\nitem_id;price\r\n1;7\r\n",
        "# exported by the shop\nitem_id,price\n1,7\n",
        "#item_id,price\n1,7\n",
        "#,item_id,price\n0,1,7\n",
        "\n\nitem_id,price\n1,7\n",
    ],
)
def test_skips_lines_before_the_header(tmp_path: Path, text: str) -> None:
    table = read_item_table(write(tmp_path / "items.csv", text))
    assert table.ids.to_list() == ["1"]
    assert table.columns["price"].to_list() == [7]


def test_the_encoding_applies_to_a_table_that_is_not_utf_8(tmp_path: Path) -> None:
    for encoding in ("latin-1", "utf-8"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes("item_id,name\n1,Café\n".encode(encoding))
        table = read_item_table(path, encoding="latin-1")
        assert table.columns["name"].to_list() == ["Café"]
    with pytest.raises(DataError, match="pass --encoding latin-1"):
        read_item_table(tmp_path / "latin-1.csv")


def test_rejects_a_table_without_rows_and_accepts_ids_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no rows"):
        read_item_table(write(tmp_path / "none.csv", "item_id,price\n"))
    table = read_item_table(write(tmp_path / "ids.csv", "item_id\n1\n2\n"))
    assert table.ids.to_list() == ["1", "2"]
