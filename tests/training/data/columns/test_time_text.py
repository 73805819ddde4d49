from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitrecall.training.data.columns.time_text import parse_time, parse_times

SECONDS = 1_600_049_490  # 2020-09-14T02:11:30Z


@pytest.mark.parametrize(
    "text",
    [
        "2020-09-14T02:11:30Z",
        "2020-09-14T02:11:30.000000000Z",
        "2020-09-14 02:11:30 UTC",
        "2020-09-14 02:11:30.000 UTC",
        "2020-09-14 02:11:30 GMT",
        "2020-09-14 04:11:30 +0200",
        "2020-09-14 04:11:30+02",
        "2020-09-13 21:11:30,000 -0500",
        "2020/09/14 02:11:30",
        "2020.9.14 2:11:30",
        "20200914T021130Z",
        "Mon, 14 Sep 2020 02:11:30 GMT",
        "Mon, 14 Sep 2020 02:11:30 +0000",
        "Mon, 14 Sep 2020 04:11:30 +0200 (CEST)",
        "14 Sep 2020 02:11:30",
        "14-Sep-2020 02:11:30",
        "14/Sep/2020:02:11:30 +0000",
        "September 14, 2020 02:11:30 AM",
        "Sep 14, 2020, 2:11:30 AM",
        "Sep 14th, 2020 at 02:11:30",
        "Mon Sep 14 02:11:30 2020",
        "Mon Sep 14 02:11:30 +0000 2020",
        "Mon Sep 14 02:11:30 UTC 2020",
    ],
)
def test_parses_common_forms(text):
    assert parse_time(text) == SECONDS


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sep 14, 2020", 1_600_041_600),
        ("14 Sep 2020 12:00 AM", 1_600_041_600),
        ("14 Sep 2020 12:00 PM", 1_600_084_800),
        ("2020-W38-1", 1_600_041_600),
        ("2020-09", 1_598_918_400),
    ],
)
def test_parses_dates_as_midnight_in_utc(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("14/09/2020", "--time-format '%d/%m/%Y'"),
        ("09/14/2020 02:11", "--time-format '%m/%d/%Y %H:%M'"),
        ("14.09.20 02:11:30", "--time-format '%d.%m.%y %H:%M:%S'"),
        ("01/02/2020", "--time-format '%d/%m/%Y' or '%m/%d/%Y', whichever is meant"),
        ("1/2/2020 2:11 PM", "'%d/%m/%Y %I:%M %p' or '%m/%d/%Y %I:%M %p'"),
    ],
)
def test_suggests_a_form_for_dates_in_numbers_with_the_year_last(text, advice):
    with pytest.raises(ValueError, match="needs --time-format") as caught:
        parse_time(text)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["yesterday", "14 Sop 2020", "30 Feb 2020", "2020-09-14 02:11:30 CET", "13:30 PM", "a 1, 2020"],
)
def test_rejects_invalid_and_unknown_times(text):
    with pytest.raises(ValueError, match="--time-format"):
        parse_time(text)


DATETIMES = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))


@given(
    DATETIMES,
    st.sampled_from([None, UTC, timezone(timedelta(hours=-5, minutes=-30))]),
    st.sampled_from("T "),
    st.sampled_from(["auto", "seconds", "milliseconds"]),
    st.sampled_from(["", " UTC", "Z"]),
)
def test_parses_a_column_like_single_times(value, zone, separator, precision, suffix):
    text = value.replace(tzinfo=zone).isoformat(separator, precision)
    text += suffix if zone is None else ""
    date = value.date().isoformat()
    np.testing.assert_allclose(
        parse_times(pl.Series([text, date])), [parse_time(text), parse_time(date)], rtol=0
    )
    assert np.isnan(parse_times(pl.Series(["x", None, f"{text}x"]))).all()
