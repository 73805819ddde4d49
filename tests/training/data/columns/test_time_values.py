import re

import numpy as np
import polars as pl
import pytest

from bitrecall.events.rules import EARLIEST, SECONDS_AHEAD
from bitrecall.training.data.columns.time_values import TimeReader
from bitrecall.training.data.read_options import TimeUnit
from bitrecall.training.errors import DataError

NOW = 1_790_000_000.0  # 2026-09-21


def read(values, *, unit=TimeUnit.AUTO, form=None):
    reader = TimeReader(unit, form, NOW)
    column = values if isinstance(values, pl.Series) else pl.Series(values)
    seconds, reasons = reader.read(column, "a.csv")
    return seconds.tolist(), reasons, reader


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2020-09-14", 1_600_041_600),
        ("2020-09-14T02:11:30", 1_600_049_490),
        ("2020-09-14 02:11:30", 1_600_049_490),
        ("2020-09-14 02:11:30.250", 1_600_049_490.25),
        ("1600049490", 1_600_049_490),
        ("1600049490.5", 1_600_049_490.5),
        ("1.600049490e9", 1_600_049_490),
        (" 1600049490 ", 1_600_049_490),
        ("12", 12),
        ("-1.5", -1.5),
    ],
)
def test_reads_numbers_and_iso_8601_in_utc(text, seconds):
    assert read([text])[:2] == ([seconds], {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the time is empty"),
        ("  ", "the time is empty"),
        (None, "the time is empty"),
        ("yesterday", "'yesterday' is not a number, ISO 8601 or another known form; .*--time-for"),
        ("2024-13-01", "'2024-13-01' is not a number, ISO 8601"),
        ("1_000", "'1_000' is not a number"),
        ("١٢", "is not a number"),
        ("nan", "'nan' is not finite"),
        ("-1e999", "is not finite"),
    ],
)
@pytest.mark.parametrize("before", [[], ["2024-01-01"]])
def test_describes_an_invalid_time(text, reason, before):
    _, reasons, _ = read([*before, text])
    assert list(reasons) == [len(before)]
    assert re.search(reason, reasons[len(before)])


def test_rejects_a_mix_of_numbers_and_instants_in_a_column():
    _, reasons, _ = read(["nan", "2024-01-01", "2024"])
    assert reasons == {
        0: "the time 'nan' is not finite",
        2: "the time '2024' is a number, but those before it are not",
    }
    _, reasons, _ = read(["", "2024", "2024-01-01"])
    assert reasons[2] == "the time '2024-01-01' is not a number, but those before it are"


def test_first_batch_decides_the_unit_and_the_kind():
    reader = TimeReader(TimeUnit.AUTO, now=NOW)
    assert reader.read(pl.Series([1.7e12]), "a")[0].tolist() == [1.7e9]
    assert reader.read(pl.Series([5e11]), "a")[0].tolist() == [5e8]
    reader = TimeReader(TimeUnit.AUTO, now=NOW)
    reader.read(pl.Series(["", "2024-01-01"]), "a")
    assert "is a number" in reader.read(pl.Series(["5"]), "a")[1][0]


@pytest.mark.parametrize(("unit", "factor"), [("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)])
def test_uses_the_requested_unit_or_guesses_it_by_magnitude(unit, factor):
    seconds = np.array([1.2e9, 1.7e9, 1.6e9])
    for requested in (TimeUnit(unit), TimeUnit.AUTO):
        np.testing.assert_allclose(read(seconds * factor, unit=requested)[0], seconds)


def test_reads_a_column_without_times():
    assert read(pl.Series([], dtype=pl.Float64))[0] == []
    assert read(pl.Series([None, None], dtype=pl.Null))[1] == dict.fromkeys(
        (0, 1), "the time is empty or not finite"
    )


@pytest.mark.parametrize(
    "values",
    [
        [1_600_049_490, 1_600_129_867_000, 1_600_203_059],
        [1_600_049_490_000, 1_600_129_867, 1_600_203_059_000],
        [1_600_049_490, 1_600_129_867_000],
    ],
)
def test_reads_times_clearly_in_another_unit_and_warns(values):
    expected = [value / 1e3 if value > 1e11 else value for value in values]
    for column in (values, [str(value) for value in values]):
        seconds, reasons, reader = read(column)
        assert (seconds, reasons) == (expected, {})
        (warning,) = reader.warnings()
        assert "1 times are" in warning
        assert "milliseconds" in warning
        assert "--time-unit" in warning


def test_a_requested_unit_applies_to_every_time():
    _, reasons, _ = read([1_600_049_490, 1_600_129_867_000], unit=TimeUnit.SECONDS)
    assert reasons == {1: "the time 1600129867000 is more than a day in the future"}


def test_warns_about_times_before_1990():
    seconds, reasons, reader = read([0, 1, 1_600_000_000])
    assert (seconds, reasons) == ([0, 1, 1_600_000_000], {})
    (warning,) = reader.warnings()
    assert warning.startswith("2 times are before 1990, such as 1970-01-01T00:00:00Z")


def test_times_have_the_same_bounds_as_events():
    values = [EARLIEST, EARLIEST - 1, NOW + SECONDS_AHEAD - 1, NOW + SECONDS_AHEAD]
    _, reasons, _ = read(values, unit=TimeUnit.SECONDS)
    assert reasons == {
        1: "the time 1899-12-31T23:59:59Z is before 1900",
        3: "the time 2026-09-22T14:13:20Z is more than a day in the future",
    }
    _, reasons, _ = read(["2024-01-01", "0001-01-01T00:00:00+14:00", "9999-01-01"])
    assert sorted(reasons) == [1, 2]
    assert "9999-01-01" in reasons[2]


@pytest.mark.parametrize(
    ("number", "text"),
    [(20200914, "2020-09-14T00:00:00Z"), (20200914021130, "2020-09-14T02:11:30Z")],
)
def test_reads_calendar_dates_in_digits(number, text):
    expected = read([text])[0]
    for column in ([number], [str(number)], pl.Series([number])):
        seconds, reasons, reader = read(column)
        assert (seconds, reasons) == (expected, {})
        assert reader.reading.startswith("digits as %Y%m%d")
    assert read([number], unit=TimeUnit.SECONDS)[0] != expected


def test_reads_digits_as_numbers_if_one_is_not_a_date():
    assert read([20200914, 20201350])[0] == [20200914, 20201350]


@pytest.mark.parametrize(
    ("form", "text", "seconds"),
    [
        ("%d/%m/%Y %H:%M", "14/09/2020 02:11", 1_600_049_460),
        ("%m/%d/%Y", "09/14/2020", 1_600_041_600),
        ("%d.%m.%y", "14.09.20", 1_600_041_600),
        ("%Y-%m-%d %H:%M:%S.%f", "2020-09-14 02:11:30.250000", 1_600_049_490.25),
        ("%d/%m/%Y %H:%M:%S %z", "14/09/2020 04:11:30 +0200", 1_600_049_490),
        ("%Y%m%d", "20200914", 1_600_041_600),
        ("%I:%M %p %d %b %Y", "02:11 AM 14 Sep 2020", 1_600_049_460),
    ],
)
def test_reads_times_in_a_requested_form(form, text, seconds):
    assert read([text], form=form)[:2] == ([seconds], {})
    _, reasons, _ = read([text, "2020-09-14T00", None], form=form)
    assert reasons == {
        1: f"the time '2020-09-14T00' is not written as {form}",
        2: "the time is empty",
    }


def test_rejects_other_column_types():
    with pytest.raises(DataError, match="time column has type Boolean"):
        read([True])
