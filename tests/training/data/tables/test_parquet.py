from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pytest

from bitrecall.training.data.read_options import ReadOptions, TimeUnit
from bitrecall.training.data.tables.parquet import ParquetSource
from bitrecall.training.errors import DataError


@pytest.fixture
def read(tmp_path, read_source):
    def read(columns, *, skip=False, **options):
        path = tmp_path / "a.parquet"
        pl.DataFrame(columns).write_parquet(path)
        return read_source(ParquetSource(path), ReadOptions(**options), skip=skip)

    return read


def test_keeps_text_ids_unchanged(read):
    ids = ["007", "7", "1.0", "a,b", "é🙂", "7"]
    triples, users, items, _ = read({"item": ids, "user": ids, "other": ids})
    assert [user for user, _, _ in triples] == ids
    assert users == items == ids[:-1]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt8, pl.Int16, pl.UInt64])
def test_converts_integer_ids_to_decimal_text(read, dtype):
    columns = {"user": pl.Series([7, 10, 7], dtype=dtype), "item": pl.Series([0, 1, 2])}
    triples, *_ = read(columns)
    assert triples == [("7", "0", None), ("10", "1", None), ("7", "2", None)]


def test_keeps_all_digits_of_large_and_negative_integers(read):
    triples, *_ = read({"user": [2**63 - 1, -(2**63)], "item": [2**53 + 1, 2**53]})
    assert [user for user, _, _ in triples] == ["9223372036854775807", "-9223372036854775808"]
    assert [item for _, item, _ in triples] == ["9007199254740993", "9007199254740992"]


def test_categories_are_text(read):
    columns = {
        "user": pl.Series(["b", "a"], dtype=pl.Categorical),
        "item": pl.Series(["y", "x"], dtype=pl.Enum(["x", "y"])),
    }
    assert read(columns)[0] == [("b", "y", None), ("a", "x", None)]


NOON = datetime(2024, 1, 1, 12)
HERE = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([NOON], 1_704_110_400.0),
        ([NOON.replace(tzinfo=UTC)], 1_704_110_400.0),
        ([NOON.replace(tzinfo=HERE)], 1_704_103_200.0),
        ([date(2024, 1, 1)], 1_704_067_200.0),
        ([1_704_110_400], 1_704_110_400.0),
        ([1_704_110_400.5], 1_704_110_400.5),
        ([1_704_110_400_250], 1_704_110_400.25),
        (["2024-01-01T12:00:00"], 1_704_110_400.0),
        (["1704110400"], 1_704_110_400.0),
        (pl.Series([NOON], dtype=pl.Datetime("ns")), 1_704_110_400.0),
        (pl.Series([NOON], dtype=pl.Datetime("ms")), 1_704_110_400.0),
    ],
)
def test_times_are_instants_dates_numbers_or_text(read, values, seconds):
    triples, *_ = read({"user": ["a"], "item": ["x"], "time": values})
    assert triples == [("a", "x", seconds)]


def test_a_time_unit_applies_to_numbers_only(read):
    columns = {"user": ["a"], "item": ["x"], "time": [5_000]}
    assert read(columns, time_unit=TimeUnit.MILLISECONDS)[0] == [("a", "x", 5.0)]
    columns["time"] = [NOON]
    triples, *_ = read(columns, time_unit=TimeUnit.MILLISECONDS)
    assert triples == [("a", "x", 1_704_110_400.0)]
    columns["time"] = ["2024-01-01T12:00:00"]
    triples, *_ = read(columns, time_unit=TimeUnit.MILLISECONDS)
    assert triples == [("a", "x", 1_704_110_400.0)]


BAD = [
    ({"user": None}, "the user id is empty"),
    ({"user": " "}, "the user id is empty"),
    ({"item": None}, "the item id is empty"),
    ({"item": ""}, "the item id is empty"),
    ({"time": None}, "the time is empty or not finite"),
    ({"time": float("nan")}, "the time is empty or not finite"),
    ({"time": float("-inf")}, "the time is empty or not finite"),
    ({"time": 1e30}, r"the time 1e\+30 is more than a day in the future"),
]


@pytest.mark.parametrize(("change", "reason"), BAD)
def test_reports_a_bad_row_with_its_number(read, change, reason):
    rows = [{"user": "a", "item": "x", "time": 1.0}, {"user": "c", "item": "z", "time": 2.0}]
    rows.insert(1, {"user": "b", "item": "y", "time": 3.0} | change)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    with pytest.raises(DataError, match=rf"a\.parquet, row 2: {reason}") as caught:
        read(columns)
    assert caught.value.line == 2
    triples, users, items, bad_rows = read(columns, skip=True)
    assert triples == [("a", "x", 1.0), ("c", "z", 2.0)]
    assert (users, items, bad_rows.count) == (["a", "c"], ["x", "z"], 1)


def test_reports_bad_text_times(read):
    columns = {"user": ["a", "b"], "item": ["x", "y"], "time": ["2024-01-01", None]}
    with pytest.raises(DataError, match="row 2: the time is empty"):
        read(columns)


def test_a_table_without_rows_has_no_pairs(read):
    columns = {"user": pl.Series([], dtype=pl.String), "item": pl.Series([], dtype=pl.Int64)}
    assert read(columns)[:3] == ([], [], [])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"user": [1.5], "item": [1]},
            r"type Float64, and 1\.5 is not an integer",
        ),
        ({"user": [1], "item": [True]}, "item column has type Boolean"),
        ({"user": [1], "item": [2], "time": [True]}, "time column has type Boolean"),
        (
            {"who": [1], "item": [2]},
            "no user column with a common name; the columns are who, item",
        ),
    ],
)
def test_rejects_columns_of_other_types(read, columns, message):
    with pytest.raises(DataError, match=message):
        read(columns)


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"user,item\na,x\n", b"PAR1" + bytes(50) + b"PAR1"]
)
def test_rejects_a_file_that_is_not_parquet(tmp_path, read_source, content):
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.parquet: cannot be read as Parquet"):
        read_source(ParquetSource(path), ReadOptions())


def test_rejects_a_truncated_file(tmp_path, read_source):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"user": ["a"] * 99, "item": ["x"] * 99}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_source(ParquetSource(path), ReadOptions())
