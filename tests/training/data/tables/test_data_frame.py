from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.load import dataset_of, load_dataset
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.tables.data_frame import FrameSource, as_frame, is_table
from bitrecall.training.errors import DataError

pytestmark = pytest.mark.slow

pandas = pytest.importorskip("pandas")


class OnlyAStream:
    """A table of an unknown library that only has an Arrow C stream."""

    def __init__(self, frame):
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema=None):
        return self._frame.__arrow_c_stream__(requested_schema)


COLUMNS = {
    "user_id": ["a", "b", "a", "é 🙂"],
    "item": [1, 2, 3, 1],
    "timestamp": [datetime(2024, 1, day, 12, 30, 15) for day in (1, 2, 3, 4)],
    "event": ["view", "buy", "buy", "view"],
}
TABLES = {
    "polars": pl.DataFrame(COLUMNS),
    "lazy polars": pl.LazyFrame(COLUMNS),
    "pandas": pandas.DataFrame(COLUMNS),
    "pandas categories": pandas.DataFrame(COLUMNS).astype({"user_id": "category"}),
    "pandas objects": pandas.DataFrame(COLUMNS).astype(object),
    "pandas with an index": pandas.DataFrame(COLUMNS).set_index("user_id"),
    "an Arrow stream": OnlyAStream(pl.DataFrame(COLUMNS)),
}


def pairs(dataset):
    train = dataset.train
    return [
        (train.user_ids[user], train.item_ids[item], None if time is None else float(time))
        for user, item, time in zip(train.users, train.items, train.times, strict=True)
    ]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_all_kinds_of_tables_read_like_the_same_file(table, tmp_path):
    pl.DataFrame(COLUMNS).write_csv(tmp_path / "events.csv")
    options = ReadOptions(where="event = buy or user_id = a", split=Split.NONE)
    assert is_table(table)
    read = dataset_of(as_frame(table, "events"), options)
    assert pairs(read) == pairs(load_dataset(tmp_path / "events.csv", options))
    assert read.train.sha256() == load_dataset(tmp_path / "events.csv", options).train.sha256()


@given(
    st.lists(
        st.tuples(
            st.text("abc7 é", min_size=1).filter(str.strip),
            st.integers(-(2**63), 2**63 - 1),
            st.datetimes(datetime(1990, 1, 1), datetime(2025, 1, 1)),
        ),
        min_size=1,
    )
)
def test_pandas_and_polars_give_the_same_data_set(rows):
    users, items, times = zip(*rows, strict=True)
    columns = {"user": list(users), "item": list(items), "time": list(times)}
    options = ReadOptions(split=Split.NONE)
    of_polars = dataset_of(as_frame(pl.DataFrame(columns), "events"), options)
    of_pandas = dataset_of(as_frame(pandas.DataFrame(columns), "events"), options)
    assert pairs(of_pandas) == pairs(of_polars)


def test_missing_values_of_pandas_are_missing():
    frame = pandas.DataFrame(
        {
            "user": pandas.array(["a", None, "b"], dtype=object),
            "item": pandas.array([1, 2, None], dtype="Int64"),
            "time": pandas.to_datetime(["2024-01-01", "2024-01-02", None]),
        }
    )
    read = as_frame(frame, "events")
    assert read.null_count().row(0) == (1, 1, 1)
    with pytest.raises(DataError, match="events, row 2: the user id is empty"):
        dataset_of(read)


def test_times_with_a_zone_are_instants():
    when = pandas.to_datetime(["2024-06-01T12:00"]).tz_localize("Europe/Berlin")
    read = as_frame(pandas.DataFrame({"user": ["a"], "item": ["b"], "time": when}), "events")
    assert read["time"].to_list() == [datetime(2024, 6, 1, 10, tzinfo=UTC)]


def test_converts_objects_of_mixed_types():
    frame = pandas.DataFrame({"user": ["a", 7], "time": [date(2024, 1, 1), pandas.Timestamp(0)]})
    read = as_frame(frame, "events")
    assert read["user"].to_list() == ["a", "7"]
    assert read["time"].dtype == pl.Datetime("us", "UTC")


def test_rejects_repeated_column_names():
    frame = pandas.DataFrame([["a", "b"]], columns=["user", "user"])
    with pytest.raises(DataError, match="events: has several columns named 'user'"):
        as_frame(frame, "events")


@pytest.mark.parametrize("data", [None, 3, {"user": ["a"]}, [("a", "b")]])
def test_rejects_objects_that_are_not_tables(data):
    assert not is_table(data)
    with pytest.raises(DataError, match=rf"type {type(data).__name__}: expected a path, a pandas"):
        as_frame(data, "events")


def test_numbers_rows_of_later_batches(monkeypatch):
    monkeypatch.setattr("bitrecall.training.data.tables.data_frame.BATCH_ROWS", 2)
    source = FrameSource(pl.DataFrame({" user ": ["a", "b", "c"], "item": [1, 2, 3]}), "events")
    batches = list(source.batches(["user"]))
    assert [batch.lines.tolist() for batch in batches] == [[1, 2], [3]]
    assert batches[1].frame["user"].to_list() == ["c"]
