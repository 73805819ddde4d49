from pathlib import Path

import polars as pl
import pytest

from bitrecall.training.data.items.item_table import read_item_table
from tests.training.data.items.item_tables import known, write

pytestmark = pytest.mark.slow


def test_a_column_is_text_if_one_value_is_not_a_number(tmp_path: Path) -> None:
    path = write(tmp_path / "items.csv", "item,year,grade,empty\na,1999,1,\nb,2001,A,\n")
    assert known(read_item_table(path), "a", "b") == [
        ([], {"year": 1999.0, "grade": "1"}),
        ([], {"year": 2001.0, "grade": "A"}),
    ]


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
def test_splits_tags_at_the_first_separator_in_use(
    tmp_path: Path, cells: list[str], tags: list[list[str]]
) -> None:
    pl.DataFrame({"item": ["0", "1"], "tags": cells}).write_csv(tmp_path / "items.csv")
    rows = known(read_item_table(tmp_path / "items.csv"), "0", "1")
    assert [sorted(row_tags) for row_tags, _ in rows] == tags


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
    ("cells", "warning"),
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
def test_warns_about_the_value_that_made_a_column_text(
    tmp_path: Path, cells: list[str], warning: str | None
) -> None:
    pl.DataFrame({"item": ["0", "1", "2"], "x": cells}).write_csv(tmp_path / "items.csv")
    table = read_item_table(tmp_path / "items.csv")
    assert table.columns["x"].dtype == pl.String
    assert [warning in note for note in table.notes] == ([True] if warning else [])
