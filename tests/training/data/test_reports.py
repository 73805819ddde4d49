"""The report of reading: columns, skipped lines and warnings."""

import gzip

import polars as pl
import pytest

from bitrecall.training.data.load import load_dataset
from bitrecall.training.data.read_options import ReadOptions, Split

pytestmark = pytest.mark.slow


def load(path, **options):
    return load_dataset(path, ReadOptions(split=Split.NONE, **options))


@pytest.fixture
def report(tmp_path):
    def report(content, name="a.csv", **options):
        (tmp_path / name).write_text(content)
        return load(tmp_path / name, **options).report

    return report


def test_columns_and_how_they_were_read(report):
    result = report("name,visitorid,event,itemid,ts\nx,u,view,i,1600049490000\n")
    assert [use.render() for use in result.columns] == [
        "user = visitorid, item = itemid, time = ts (milliseconds); ignored: name, event"
    ]
    result = report("user,item\nu,i\n")
    assert result.lines() == ["columns: user = user, item = item; ignored: none"]


@pytest.mark.parametrize(
    ("column", "values", "option"),
    [
        ("rating", "1 -1 1 1", "--min-rating N"),
        ("Book-Rating", "5 1 10 7", "--weight Book-Rating"),
        ("stars", "4.5 1.0 5.0 3.5", "--weight stars"),
        ("play_count", "1 250 13 4", "--weight play_count"),
        ("event", "view view transaction view", "--where 'event = transaction'"),
        ("behavior_type", "pv buy pv cart", "--weight 'behavior_type:buy=N,cart=N,pv=N'"),
        ("what", "view buy view view", "--where 'what = buy'"),
        ("seen", "2020-09-14 2020-09-15 2020-09-16 2020-09-16", "--time-column seen"),
        ("epoch", "1600049490 1600129867 1600129868 1600129869", "--time-column epoch"),
    ],
)
def test_warns_of_an_ignored_column_that_looks_useful(report, column, values, option):
    rows = "".join(f"u{n % 2},i{n},{value}\n" for n, value in enumerate(values.split()))
    (warning,) = report(f"user,item,{column}\n{rows}").warnings
    assert warning.startswith(f"{column} looks like ")
    assert option in warning


def test_warns_once_of_event_types_in_another_order(tmp_path):
    (tmp_path / "log").mkdir()
    for day, events in enumerate((["view", "cart", "buy"], ["buy", "view", "cart"])):
        rows = "".join(f"u{n % 2},i{n},{event}\n" for n, event in enumerate(events * 2))
        (tmp_path / "log" / f"{day}.csv").write_text(f"user,item,event\n{rows}")
    (warning,) = load(tmp_path / "log").report.warnings
    assert warning.startswith("0.csv and 1 more: event looks like event types (buy, cart, view")


def test_suggests_one_weight_for_the_rarer_of_many_event_types(report):
    rows = "".join(f"u{n % 2},i{n},{'dcba'[n % 4]}\n" for n in range(12))
    (warning,) = report(f"user,item,event\n{rows}").warnings
    assert "--weight 'event:a=N,b=N,c=N,*=N'" in warning


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("price", "7.5 3.25 19.99 2"),
        ("title", "One Two Three Four"),
        ("shop", "a a b a"),
        ("session", "1 2 3 4"),
        ("type", "a b c d"),
        ("rating", ", , ,".replace(",", "")),
    ],
)
def test_does_not_warn_of_other_columns(report, column, values):
    cells = values.split() or [""] * 4
    rows = "".join(f"u{n % 2},i{n},{value}\n" for n, value in enumerate(cells))
    assert report(f"user,item,{column}\n{rows}").warnings == ()


def test_does_not_warn_of_other_time_columns_if_one_is_used(report):
    content = "user,item,timestamp,date\nu,i,1600049490,2020-09-14\n"
    assert report(content).warnings == ()


def test_notes_about_several_files_name_the_first(tmp_path):
    for day in (1, 2, 3):
        (tmp_path / f"{day}.csv").write_text(f"# day {min(day, 2)}\nuser,item,rating\nu,i{day},5\n")
    report = load(tmp_path).report
    assert report.files == ("1.csv", "2.csv", "3.csv")
    assert len(report.columns) == 1
    assert report.notes == (
        "1.csv: line 1 is a comment and was skipped: # day 1",
        "2.csv and 1 more: line 1 is a comment and was skipped: # day 2",
    )


def test_reads_files_of_all_formats_as_one_table(tmp_path):
    rows = [("u1", "i1", 1_600_000_000), ("u2", "i1", 1_600_000_001), ("u1", "i2", 1_600_000_002)]
    text = [f"user,item,time\n{user},{item},{time}\n" for user, item, time in rows]
    (tmp_path / "part-0.csv").write_text(text[0])
    (tmp_path / "part-1.csv.gz").write_bytes(gzip.compress(text[1].encode()))
    (tmp_path / "day=3").mkdir()
    frame = pl.DataFrame(rows[2:], schema=["user", "item", "time"], orient="row")
    frame.write_parquet(tmp_path / "day=3" / "x.parquet")
    train = load(tmp_path).train
    assert (train.user_ids, train.item_ids) == (["u1", "u2"], ["i1", "i2"])
    assert train.times.tolist() == [1.6e9, 1_600_000_002.0, 1_600_000_001.0]
    files = [tmp_path / "part-0.csv", tmp_path / "part-1.csv.gz", tmp_path / "day=3" / "x.parquet"]
    assert load(files).train.sha256() == train.sha256()
    assert load(list(map(str, reversed(files)))).train.sha256() == train.sha256()


@pytest.mark.parametrize("form", ["csv", "parquet", "json"])
@pytest.mark.parametrize(
    ("key", "options"),
    [("date", {}), ("dt", {}), ("when", {"time_column": "when"})],
)
def test_reads_a_column_from_folder_names(tmp_path, form, key, options):
    frame = pl.DataFrame({"user": ["u", "v"], "item": ["i", "j"]})
    for day in (1, 2):
        folder = tmp_path / f"{key}=2025-03-0{day}"
        folder.mkdir()
        match form:
            case "csv":
                frame.write_csv(folder / "a.csv")
            case "json":
                frame.write_ndjson(folder / "a.json")
            case _:
                frame.write_parquet(folder / "a.parquet")
    dataset = load(tmp_path, **options)
    assert dataset.train.times.tolist() == [1_740_787_200.0] * 2
    assert dataset.report.rows_read == 4
    assert dataset.report.columns[0].time == key


def test_reads_a_month_as_its_first_day(tmp_path):
    folder = tmp_path / "day=2025-03"
    folder.mkdir()
    (folder / "a.csv").write_text("user,item\nu,i\n")
    assert load(tmp_path, time_column="day").train.times.tolist() == [1_740_787_200.0]


def test_warns_if_only_some_files_have_times(tmp_path):
    (tmp_path / "1.csv").write_text("user,item,time\nu,i,1600000000\n")
    (tmp_path / "2.csv").write_text("user,item\nu,j\n")
    (warning,) = load(tmp_path).report.warnings
    assert warning.startswith("1 of the 2 files have no times")


def test_notes_ids_that_are_floats_with_integer_values(tmp_path):
    frame = pl.DataFrame({"user": [1.0, 2.0, 3.0], "item": [10, 11, 10]})
    frame.write_parquet(tmp_path / "a.parquet")
    dataset = load(tmp_path / "a.parquet")
    assert dataset.train.user_ids == ["1", "2", "3"]
    assert dataset.report.notes == (
        "the user column user contains integers as floats; 1.0 was read as 1",
    )
