"""Times as text or numbers, to seconds since 1970-01-01 UTC."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.data.options import TimeUnit
from training.errors import DataError

__all__ = ["TimeParser", "TimeReader", "in_range", "unit_of"]

# The first second of the year 1 and the first one after the year 9999.
EARLIEST = -62_135_596_800.0
LATEST = 253_402_300_800.0
PER_SECOND = {
    TimeUnit.SECONDS: 1.0,
    TimeUnit.MILLISECONDS: 1e3,
    TimeUnit.MICROSECONDS: 1e6,
    TimeUnit.NANOSECONDS: 1e9,
}


class TimeReader:
    """Reads the times of one column, batch by batch.

    What the first batch has holds for the column: text is all numbers or all ISO 8601, as its
    first good time is; and numbers have one unit.

    Args:
        unit: of numbers; ``auto`` goes by their magnitude.
    """

    def __init__(self, unit: TimeUnit) -> None:
        self._unit = unit
        self._parser = TimeParser()

    def read(self, column: pl.Series, label: str) -> tuple[NDArray[np.float64], dict[int, str]]:
        """Seconds, float64 (rows,), and by row what is wrong with those that are not usable.

        Raises:
            DataError: the column has a type that times cannot have.
        """
        dtype = column.dtype
        reasons: dict[int, str] = {}
        if dtype == pl.String:
            values = self._parse(column, reasons)
            numbers = self._parser.numbers is True
        elif dtype in (pl.Date, pl.Datetime):
            values = column.dt.epoch("us").cast(pl.Float64).fill_null(np.nan).to_numpy() / 1e6
            numbers = False
        elif dtype.is_numeric() or dtype == pl.Null:
            values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
            numbers = True
        else:
            raise DataError(
                f"the time column has type {dtype}; times are instants, dates, numbers or text",
                file=label,
            )
        seconds = self._seconds(values) if numbers else values
        for row in np.flatnonzero(~in_range(seconds)).tolist():
            if not math.isfinite(values[row]):
                reasons.setdefault(row, "the time is empty or not finite")
            else:
                shown = f"{values[row]:.15g} " if numbers else ""
                reasons[row] = f"the time {shown}lies outside the years 1 to 9999"
        return seconds, reasons

    def _parse(self, column: pl.Series, reasons: dict[int, str]) -> NDArray[np.float64]:
        """Values of text, NaN for rows that are added to the reasons."""
        values = np.full(len(column), np.nan)
        row = 0
        while row < len(column) and self._parser.numbers is None:
            self._parse_row(column, row, values, reasons)
            row += 1
        if self._parser.numbers:
            # All at once; one by one only what polars does not take for a finite number.
            numbers = column[row:].str.strip_chars().cast(pl.Float64, strict=False)
            values[row:] = numbers.fill_null(np.nan).to_numpy()
            left = np.flatnonzero(~np.isfinite(values[row:])) + row
        else:
            left = np.arange(row, len(column))
        for one in left.tolist():
            self._parse_row(column, one, values, reasons)
        return values

    def _parse_row(
        self, column: pl.Series, row: int, values: NDArray[np.float64], reasons: dict[int, str]
    ) -> None:
        try:
            values[row] = self._parser(column[row] or "")
        except ValueError as error:
            reasons[row] = str(error)

    def _seconds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        finite = values[np.isfinite(values)]
        if self._unit is TimeUnit.AUTO and len(finite):
            self._unit = unit_of(finite)
        return values / PER_SECOND[self._unit] if self._unit in PER_SECOND else values


class TimeParser:
    """Parses the times of one column: numbers, or ISO 8601, whichever the first good one is."""

    def __init__(self) -> None:
        self.numbers: bool | None = None

    def __call__(self, text: str) -> float:
        """A number as it is; ISO 8601 as seconds, taken as UTC where it names no zone.

        Raises:
            ValueError: the text is neither, is not what the times before it were, or is not
                finite; its message is fit for a person.
        """
        if not text.strip():
            raise ValueError("the time is empty")
        if self.numbers is not False:
            value = _number(text)
            if value is not None:
                if not math.isfinite(value):
                    raise ValueError(f"the time {text!r} is not finite")
                self.numbers = True
                return value
            if self.numbers:
                raise ValueError(f"the time {text!r} is not a number, as those before it are")
        try:
            instant = datetime.fromisoformat(text)
            seconds = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            kinds = (
                "ISO 8601, as those before it are"
                if self.numbers is False
                else ("a number or ISO 8601")
            )
            raise ValueError(f"the time {text!r} is not {kinds}") from None
        self.numbers = False
        return seconds


def unit_of(values: NDArray[np.float64]) -> TimeUnit:
    """The unit of finite numbers, float64 (rows,) with at least one, by their median magnitude.

    Below 1e11 they are seconds (to the year 5138), below 1e14 milliseconds (from 1973), below
    1e17 microseconds, and nanoseconds from there.
    """
    typical = float(np.median(np.abs(values)))
    if typical < 1e11:
        return TimeUnit.SECONDS
    if typical < 1e14:
        return TimeUnit.MILLISECONDS
    return TimeUnit.MICROSECONDS if typical < 1e17 else TimeUnit.NANOSECONDS


def in_range(seconds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each time lies in the years 1 to 9999; not so for NaN and the infinities."""
    return (seconds >= EARLIEST) & (seconds < LATEST)


def _number(text: str) -> float | None:
    # float() also takes 1_000 and digits of other scripts, which no one means as a time.
    if "_" in text or not text.isascii():
        return None
    try:
        return float(text)
    except ValueError:
        return None
