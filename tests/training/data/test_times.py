import numpy as np
import polars as pl
import pytest

from training.data.options import TimeUnit
from training.data.times import TimeParser, TimeReader, in_range


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02", 86_400),
        ("1970-01-01T01:00:00", 3_600),
        ("1970-01-01 01:00:00", 3_600),
        ("1970-01-01T01:00:00Z", 3_600),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.250", 0.25),
        ("1969-12-31T23:59:59Z", -1),
        ("12", 12),
        ("-1.5", -1.5),
        ("1.5e3", 1_500),
        (" 12 ", 12),
    ],
)
def test_times_are_numbers_or_iso_8601_in_utc(text, seconds):
    assert TimeParser()(text) == seconds


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the time is empty"),
        ("  ", "the time is empty"),
        ("yesterday", "'yesterday' is not a number or ISO 8601"),
        ("2024-13-01", "is not a number or ISO 8601"),
        ("01/02/2024", "is not a number or ISO 8601"),
        ("1_000", "is not a number or ISO 8601"),
        ("١٢", "is not a number or ISO 8601"),
        ("nan", "'nan' is not finite"),
        ("NaN", "'NaN' is not finite"),
        ("inf", "'inf' is not finite"),
        ("-1e999", "is not finite"),
    ],
)
def test_a_bad_time_says_why(text, reason):
    with pytest.raises(ValueError, match=reason):
        TimeParser()(text)


def test_a_column_is_all_numbers_or_all_iso():
    parse = TimeParser()
    with pytest.raises(ValueError, match="not finite"):
        parse("nan")
    parse("2024-01-01")
    with pytest.raises(ValueError, match="'2024' is not ISO 8601, as those before it are"):
        parse("2024")
    parse = TimeParser()
    parse("2024")
    with pytest.raises(ValueError, match="'2024-01-01' is not a number, as those before it are"):
        parse("2024-01-01")


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)],
)
def test_the_unit_is_the_one_given_or_goes_by_magnitude(unit, factor):
    seconds = np.array([1.2e9, 1.7e9, 1.6e9])
    column = pl.Series(seconds * factor)
    given, auto = (TimeReader(u).read(column, "a")[0] for u in (TimeUnit(unit), TimeUnit.AUTO))
    np.testing.assert_allclose(given, seconds)
    np.testing.assert_allclose(auto, seconds)


def test_the_median_decides_the_unit_so_that_one_odd_time_does_not():
    seconds, _ = TimeReader(TimeUnit.AUTO).read(pl.Series([1.7e12, 1.6e12, 0.0]), "a")
    np.testing.assert_allclose(seconds, [1.7e9, 1.6e9, 0])


def test_no_times_have_no_unit():
    reader = TimeReader(TimeUnit.AUTO)
    assert len(reader.read(pl.Series([], dtype=pl.Float64), "a")[0]) == 0
    assert reader.read(pl.Series([1.7e12]), "a")[0].tolist() == [1.7e9]


def test_times_lie_in_the_years_1_to_9999():
    values = [-62_135_596_800.0, 253_402_300_799.0, -62_135_596_801.0, 253_402_300_800.0, np.nan]
    assert in_range(np.array(values)).tolist() == [True, True, False, False, False]
