"""Convert a column of times to seconds since 1970-01-01 UTC."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.events.rules import EARLIEST, latest
from bitrecall.training.data.columns.numbers import parse_number
from bitrecall.training.data.columns.time_text import parse_formatted_time, parse_time, parse_times
from bitrecall.training.data.columns.time_units import (
    EARLY,
    PER_SECOND,
    UNIT_NAMES,
    digit_format,
    parse_digits,
    parse_format,
    typical_unit,
)
from bitrecall.training.data.read_options import TimeUnit
from bitrecall.training.errors import DataError

__all__ = ["TimeReader"]


class TimeReader:
    """Reads the times of one column, batch by batch.

    The first batch decides for the whole column: the first valid time decides whether text is
    numbers or instants, and numbers have one unit.

    Args:
        unit: of numbers; ``auto`` decides by their magnitude.
        form: of text, as for ``strptime``; None accepts numbers and the known forms.
        now: the current time in seconds since 1970-01-01 UTC; None reads the clock.
    """

    def __init__(self, unit: TimeUnit, form: str | None = None, now: float | None = None) -> None:
        self._requested_unit = unit
        self._unit: TimeUnit | None = None if unit is TimeUnit.AUTO else unit
        self._form = form
        self._now = time.time() if now is None else now
        self._is_numeric: bool | None = None if form is None else False
        self._digits: str | None = None
        self._mixed: Counter[TimeUnit] = Counter()
        self._early = 0
        self._examples: dict[str, str] = {}

    @property
    def reading(self) -> str:
        """How the column was read, as text for users."""
        if self._form is not None:
            return f"as {self._form}"
        if self._digits is not None:
            return f"digits as {self._digits}"
        if self._is_numeric and self._unit is not None:
            return UNIT_NAMES[self._unit]
        return "instants"

    def warnings(self) -> list[str]:
        """Describe what is suspicious about the times read so far."""
        warnings = []
        if self._mixed and self._unit is not None:
            for unit, count in self._mixed.items():
                warnings.append(
                    f"{count:,} times are {UNIT_NAMES[unit]} among {UNIT_NAMES[self._unit]} (such "
                    f"as {self._examples[unit]}) and were read as such; "
                    "--time-unit reads all in one unit"
                )
        if self._early:
            warnings.append(
                f"{self._early:,} times are before 1990, such as {self._examples['early']}; if "
                "that is wrong, see --time-unit, --time-format and --ignore-times"
            )
        return warnings

    def read(self, column: pl.Series, label: str) -> tuple[NDArray[np.float64], dict[int, str]]:
        """Convert a batch to seconds.

        Returns:
            Seconds, float64 (rows,), and for each row with an invalid time what is wrong with it.

        Raises:
            DataError: the column has a type that times cannot have.
        """
        dtype = column.dtype
        reasons: dict[int, str] = {}
        if dtype == pl.String or dtype in (pl.Categorical, pl.Enum):
            values = self._parse_text(column.cast(pl.String), reasons)
        elif dtype in (pl.Date, pl.Datetime):
            values = column.dt.epoch("us").cast(pl.Float64).fill_null(np.nan).to_numpy() / 1e6
            self._is_numeric = False
        elif dtype.is_numeric() or dtype == pl.Null:
            values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
            if self._form is not None:
                values = self._parse_text(column.cast(pl.String), reasons)
            else:
                self._is_numeric = True
        else:
            raise DataError(
                f"the time column has type {dtype}; times are instants, dates, numbers or text",
                file=label,
            )
        seconds = self._to_seconds(values) if self._is_numeric else values
        self._check(values, seconds, reasons)
        return seconds, reasons

    def _parse_text(self, column: pl.Series, reasons: dict[int, str]) -> NDArray[np.float64]:
        """Parse text to numbers or seconds; a row that fails is NaN and added to the reasons."""
        if self._is_numeric is None:
            self._is_numeric = _are_numbers(column)
        if self._form is not None:
            form = self._form
            values, parse = (
                parse_format(column, form),
                lambda text: parse_formatted_time(text, form),
            )
        elif self._is_numeric:
            texts = column.str.strip_chars().cast(pl.Float64, strict=False)
            values, parse = texts.fill_null(np.nan).to_numpy().copy(), _require_number
        else:
            values, parse = parse_times(column), _require_instant
        unparsed = np.flatnonzero(~np.isfinite(values))
        if len(unparsed):
            self._parse_rows(column, unparsed, values, parse, reasons)
        return values

    @staticmethod
    def _parse_rows(
        column: pl.Series,
        rows: NDArray[np.int64],
        values: NDArray[np.float64],
        parse: Callable[[str], float],
        reasons: dict[int, str],
    ) -> None:
        """Parse rows that failed as a column: those in rarer forms, and invalid ones."""
        for row, text in zip(rows.tolist(), column.gather(rows).to_list(), strict=True):
            if text is None or not text.strip():
                reasons[row] = "the time is empty"
                continue
            try:
                values[row] = parse(text)
            except ValueError as error:
                reasons[row] = str(error)

    def _to_seconds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert numbers to seconds: all from one unit, except those clearly in another."""
        finite = values[np.isfinite(values)]
        if self._unit is None and self._digits is None and len(finite):
            self._digits = digit_format(finite, self._now)
            self._unit = typical_unit(finite)
        if self._digits is not None:
            return parse_digits(values, self._digits)
        if self._unit is None:
            return values
        seconds = values / PER_SECOND[self._unit]
        if self._requested_unit is not TimeUnit.AUTO:
            return seconds
        with np.errstate(invalid="ignore"):
            odd = ~((seconds >= EARLY) & (seconds < latest(self._now))) & np.isfinite(values)
            if not odd.any():
                return seconds
            for unit, per_second in PER_SECOND.items():
                other = values / per_second
                matches = odd & (other >= EARLY) & (other < latest(self._now))
                if matches.any():
                    seconds = np.where(matches, other, seconds)
                    self._mixed[unit] += int(matches.sum())
                    self._examples.setdefault(unit, f"{values[matches][0]:.15g}")
        return seconds

    def _check(
        self,
        values: NDArray[np.float64],
        seconds: NDArray[np.float64],
        reasons: dict[int, str],
    ) -> None:
        """Add times outside the bounds to the reasons, and count suspicious ones."""
        with np.errstate(invalid="ignore"):
            good = (seconds >= EARLIEST) & (seconds < latest(self._now))
            early = good & (seconds < EARLY)
        if early.any():
            self._early += int(early.sum())
            first = int(np.argmax(early))
            self._examples.setdefault("early", _format_time(values[first], seconds[first]))
        for row in np.flatnonzero(~good).tolist():
            if not math.isfinite(values[row]):
                reasons.setdefault(row, "the time is empty or not finite")
                continue
            where = "before 1900" if seconds[row] < EARLIEST else "more than a day in the future"
            reasons[row] = f"the time {_format_time(values[row], seconds[row])} is {where}"


def _are_numbers(column: pl.Series) -> bool | None:
    """Whether the first valid time is a number; None without a valid time."""
    for text in column:
        if text is None or not text.strip():
            continue
        number = parse_number(text)
        if number is not None and math.isfinite(number):
            return True
        try:
            parse_time(text)
        except ValueError:
            continue
        return False
    return None


def _require_number(text: str) -> float:
    number = parse_number(text)
    if number is None:
        raise ValueError(f"the time {text!r} is not a number, but those before it are")
    if not math.isfinite(number):
        raise ValueError(f"the time {text!r} is not finite")
    return number


def _require_instant(text: str) -> float:
    number = parse_number(text)
    if number is None:
        return parse_time(text)
    if not math.isfinite(number):
        raise ValueError(f"the time {text!r} is not finite")
    raise ValueError(f"the time {text!r} is a number, but those before it are not")


def _format_time(value: float, seconds: float) -> str:
    try:
        instant = datetime.fromtimestamp(math.floor(seconds), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"{value:.15g}"
    return f"{value:.15g} ({instant[:10]})" if value != seconds else instant.replace("+00:00", "Z")
