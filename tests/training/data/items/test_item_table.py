import gzip
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bitrecall.training.data.items.item_table import ItemTable, read_item_table
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow


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
        ("title,price\na,1\n", "no item column with a common name"),
        ("item,price\na,1\n,2\n", r"the item id is empty \(line 3\)"),
        ("item,price\na,1\nb,2\na,3\n", "different rows for the item 'a': line 2 and line 4"),
        ("item,price\na,1\nb,inf\n", "'price' has an infinite number"),
        ("item,price\na,1,2,3\n", "has 4 fields"),
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
        ({"item": ["a"], "genres": [["x"]]}, "lists of text are tags"),
        ({"item": ["a"], "price": [float("inf")]}, "infinite"),
        ({"item": [None, "a"]}, r"the item id is empty \(row 1\)"),
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


def test_a_table_of_nothing_but_tags_is_enough(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item_id,tags\n1,a|b\n2,\n")
    assert known(read_item_table(path), "1", "2", "3") == [(["a", "b"], {}), ([], {}), ([], {})]


@pytest.mark.parametrize("name", ["tags", "Tags", " TAGS ", "_tags"])
def test_tags_are_found_whatever_their_case(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "items.csv", f"item_id,{name}\n1,a|b\n")
    assert known(read_item_table(path), "1") == [(["a", "b"], {})]


def test_the_column_of_tags_can_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item_id,genres,tags\n1,x|y,z\n")
    assert known(read_item_table(path, tags_column="genres"), "1") == [(["x", "y"], {"tags": "z"})]
    with pytest.raises(DataError, match=r"'genre' \(--tags-column\)"):
        read_item_table(path, tags_column="genre")


@pytest.mark.parametrize(
    ("cells", "tags"),
    [
        (["a,b", "c"], [["a", "b"], ["c"]]),
        (["a;b,c", "d"], [["a", "b,c"], ["d"]]),
        (["a|b,c;d", ""], [["a", "b,c;d"], []]),
        (["['a', 'b']", '["c"]'], [["a", "b"], ["c"]]),
        (["[a|b", "NaN"], [["[a", "b"], []]),
    ],
)
def test_tags_in_text_are_separated_by_what_is_there(
    tmp_path: Path, cells: list[str], tags: list[list[str]]
) -> None:
    pl.DataFrame({"item": ["0", "1"], "tags": cells}).write_csv(tmp_path / "items.csv")
    found = known(read_item_table(tmp_path / "items.csv"), "0", "1")
    assert [sorted(one) for one, _ in found] == tags


@pytest.mark.parametrize(
    "unknown", ["", "n/a", "N/A", "NA", "null", "NULL", "-", "None", "NaN", " nan ", "<NA>"]
)
def test_an_unknown_value_does_not_make_a_column_text(tmp_path: Path, unknown: str) -> None:
    text = f"item,price,sold,since\n1,1.5,True,2024-01-02\n2,{unknown},{unknown},{unknown}\n"
    table = read_item_table(write(tmp_path / "items.csv", text))
    assert known(table, "1", "2") == [
        ([], {"price": 1.5, "sold": "true", "since": 1704153600.0}),
        ([], {}),
    ]
    assert table.notes == ()


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["1", "2", "three"], "the column 'x' is text, since 'three' (line 4) is not a number"),
        (["$7.00", "7,50", "n/a"], "the column 'x' is text, since '$7.00' (line 2) is not a num"),
        (["True", "false", "maybe"], "'maybe' (line 4) is not true or false"),
        (["2024-01-01", "2024-01-02", "soon"], "'soon' (line 4) is not an ISO 8601 time"),
        (["1_000", "2_000", "3_000"], None),
        (["yes", "no", "yes"], None),
        (["a 1", "b", "c"], None),
    ],
)
def test_what_made_a_column_text_is_said(
    tmp_path: Path, cells: list[str], said: str | None
) -> None:
    pl.DataFrame({"item": ["0", "1", "2"], "x": cells}).write_csv(tmp_path / "items.csv")
    table = read_item_table(tmp_path / "items.csv")
    assert table.columns["x"].dtype == pl.String
    assert [said in note for note in table.notes] == ([True] if said else [])


def test_the_same_values_have_the_same_types_in_every_file(tmp_path: Path) -> None:
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


def test_a_row_given_twice_counts_once(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item,price\n1,5\n2,6\n1,5\n")
    table = read_item_table(path)
    assert len(table) == 2
    assert table.notes == ("1 rows repeat another row of the same item",)


def test_an_index_without_a_name_is_no_attribute(tmp_path: Path) -> None:
    table = read_item_table(write(tmp_path / "items.csv", ",item,price\n0,1,5\n1,2,6\n"))
    assert known(table, "2") == [([], {"price": 6.0})]
    assert table.notes == ("a column without a name is left out",)


def test_a_table_of_other_ids_is_refused_with_both_kinds(tmp_path: Path) -> None:
    table = read_item_table(write(tmp_path / "items.csv", "item,price\n1.0,5\n2.0,6\n"))
    with pytest.raises(DataError, match=r"such as '1\.0', '2\.0', theirs such as '1', '2'"):
        table.check_against(["1", "2"])


def test_a_table_of_few_of_the_items_is_told_of(tmp_path: Path) -> None:
    table = read_item_table(write(tmp_path / "items.csv", "item,price\n1,5\n2,6\n"))
    assert table.check_against(["1", "2", "3"]) == []
    (warning,) = table.check_against(["1", "x", "y"])
    assert "only 1 of the 3 items; without a row are such as 'x', 'y'" in warning


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("id,title,artist\n1,a,x\n2,b,x\n", ["1", "2"]),
        ("artist_id,track_id\nx,1\nx,2\n", ["1", "2"]),
        ("id,item_id\nx,1\ny,2\n", ["1", "2"]),
    ],
)
def test_of_several_columns_of_ids_one_without_repeats_is_taken(
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
def test_the_header_may_have_something_before_it(tmp_path: Path, text: str) -> None:
    table = read_item_table(write(tmp_path / "items.csv", text))
    assert table.ids.to_list() == ["1"]
    assert table.columns["price"].to_list() == [7]


def test_the_encoding_given_reads_what_is_not_utf_8(tmp_path: Path) -> None:
    for encoding in ("latin-1", "utf-8"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes("item_id,name\n1,Café\n".encode(encoding))
        table = read_item_table(path, encoding="latin-1")
        assert table.columns["name"].to_list() == ["Café"]
    with pytest.raises(DataError, match="pass --encoding latin-1"):
        read_item_table(tmp_path / "latin-1.csv")


def test_a_table_without_rows_or_with_ids_alone(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no rows"):
        read_item_table(write(tmp_path / "none.csv", "item_id,price\n"))
    table = read_item_table(write(tmp_path / "ids.csv", "item_id\n1\n2\n"))
    assert table.ids.to_list() == ["1", "2"]
