"""Times as text or numbers, to seconds since 1970-01-01 UTC."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from training.data.options import TimeUnit

__all__ = ["TimeParser", "in_range", "to_seconds"]

# The first second of the year 1 and the first one after the year 9999.
EARLIEST = -62_135_596_800.0
LATEST = 253_402_300_800.0
PER_SECOND = {
    TimeUnit.SECONDS: 1.0,
    TimeUnit.MILLISECONDS: 1e3,
    TimeUnit.MICROSECONDS: 1e6,
    TimeUnit.NANOSECONDS: 1e9,
}


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


def to_seconds(values: NDArray[np.float64], unit: TimeUnit) -> NDArray[np.float64]:
    """Seconds from times in the unit, float64 (rows,).

    Where the unit is `auto`, the median of the magnitudes decides for all: below 1e11 it is
    seconds (to the year 5138), below 1e14 milliseconds (from 1973), below 1e17 microseconds, and
    nanoseconds from there.
    """
    if unit is TimeUnit.AUTO:
        typical = float(np.median(np.abs(values))) if len(values) else 0.0
        unit = (
            TimeUnit.SECONDS
            if typical < 1e11
            else TimeUnit.MILLISECONDS
            if typical < 1e14
            else TimeUnit.MICROSECONDS
            if typical < 1e17
            else TimeUnit.NANOSECONDS
        )
    return values / PER_SECOND[unit]


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
