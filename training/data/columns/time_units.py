"""Units of times that are numbers, and dates written as digits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.events.rules import latest
from bitrecall.training.data.read_options import TimeUnit

__all__ = [
    "EARLY",
    "PER_SECOND",
    "UNIT_NAMES",
    "digit_format",
    "parse_digits",
    "parse_format",
    "plausible_unit",
    "typical_unit",
]

EARLY: Final = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
"""Earlier times of events are suspicious: few logs are older."""

PER_SECOND: Final = {
    TimeUnit.SECONDS: 1.0,
    TimeUnit.MILLISECONDS: 1e3,
    TimeUnit.MICROSECONDS: 1e6,
    TimeUnit.NANOSECONDS: 1e9,
}
UNIT_NAMES: Final = {
    TimeUnit.SECONDS: "seconds",
    TimeUnit.MILLISECONDS: "milliseconds",
    TimeUnit.MICROSECONDS: "microseconds",
    TimeUnit.NANOSECONDS: "nanoseconds",
}


def plausible_unit(number: float, now: float) -> TimeUnit | None:
    """Return the unit that makes a number a time between 1990 and tomorrow, or None."""
    for unit, per_second in PER_SECOND.items():
        if EARLY <= number / per_second < latest(now):
            return unit
    return None


def typical_unit(values: NDArray[np.float64]) -> TimeUnit:
    """Guess the unit of finite numbers by their median magnitude.

    Below 1e11 they are seconds (to the year 5138), below 1e14 milliseconds (from 1973), below
    1e17 microseconds, and nanoseconds otherwise.

    Args:
        values: at least one.
    """
    # Take the lower median: the mean of seconds and milliseconds would be neither.
    typical = float(np.quantile(np.abs(values), 0.5, method="lower"))
    if typical < 1e11:
        return TimeUnit.SECONDS
    if typical < 1e14:
        return TimeUnit.MILLISECONDS
    return TimeUnit.MICROSECONDS if typical < 1e17 else TimeUnit.NANOSECONDS


def digit_format(values: NDArray[np.float64], now: float) -> str | None:
    """Return the form of numbers that are all calendar dates, such as 20200914; else None."""
    for form, low, high in (
        ("%Y%m%d", 19_000_101, 99_991_231),
        ("%Y%m%d%H%M%S", 19_000_101_000_000, 99_991_231_235_959),
    ):
        if ((values >= low) & (values <= high) & (values % 1 == 0)).all():
            seconds = parse_digits(values, form)
            if ((seconds >= EARLY) & (seconds < latest(now))).all():
                return form
    return None


def parse_digits(values: NDArray[np.float64], form: str) -> NDArray[np.float64]:
    """Parse calendar dates written as digits to seconds, float64 (rows,)."""
    digits = np.where(np.isfinite(values), values, 0).astype(np.int64)
    return parse_format(pl.Series(digits).cast(pl.String), form)


def parse_format(column: pl.Series, form: str) -> NDArray[np.float64]:
    """Parse times in one form to seconds, float64 (rows,); NaN if polars cannot parse the text."""
    seconds = np.full(len(column), np.nan)
    if "%f" in form:
        return seconds  # polars counts %f in another unit than strptime
    text = column.str.strip_chars()
    try:
        if "%z" in form:
            times = text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        elif any(clock in form for clock in ("%H", "%I", "%T", "%R", "%s")):
            times = text.str.to_datetime(form, time_unit="us", strict=False)
        else:
            times = text.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    except pl.exceptions.PolarsError:
        return seconds
    return times.dt.epoch("us").cast(pl.Float64).fill_null(np.nan).to_numpy() / 1e6
