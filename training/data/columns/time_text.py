"""Parse times in text to seconds since 1970-01-01 UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

__all__ = ["parse_formatted_time", "parse_time", "parse_times"]

_MONTHS: Final = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTH: Final = r"(?P<month>[A-Za-z]{3,9})\.?"
_CLOCK: Final = r"(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
_ZONE: Final = r"(?P<zone>[+-]\d{2}:?\d{2}|[A-Z]{1,4})?(?:\s*\([A-Z]+\))?"
_WEEKDAY: Final = r"(?:[A-Za-z]{3,9},?\s+)?"
_YEAR: Final = r"(?P<year>\d{4})"
_DAY: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
# With the month in letters, day and month are unambiguous.
_IN_LETTERS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        # Mon, 14 Sep 2020 02:11:30 +0000; 14-Sep-2020; 14/Sep/2020:02:11:30 +0000
        rf"{_WEEKDAY}{_DAY}[\s/-]+{_MONTH}[\s/,-]+{_YEAR}(?:[\s:,]+{_CLOCK})?\s*{_ZONE}",
        # Sep 14, 2020 02:11:30
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY},?\s+{_YEAR}(?:[\s,]+(?:at\s+)?{_CLOCK})?\s*{_ZONE}",
        # Mon Sep 14 02:11:30 +0000 2020
        rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+{_CLOCK}\s+(?:{_ZONE}\s+)?{_YEAR}",
    )
)
_YEAR_FIRST: Final = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T\s]\s*(\d{1,2}:\d{2}.*))?", re.IGNORECASE
)
_NUMBERS_ONLY: Final = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})\b(.*)")
_UTC_NAMES: Final = ("UTC", "GMT", "Z", "UT")


def parse_time(text: str) -> float:
    """Parse a time to seconds since 1970-01-01 UTC; a time without a zone is in UTC.

    Accepts ISO 8601 (also with spaces, slashes or ``UTC``) and dates with the month in letters:
    RFC 2822, web server logs, ``Sep 14, 2020``.

    Raises:
        ValueError: the text has another form, is not a valid time, or has an ambiguous order of
            day and month. The message is for users.
    """
    text = text.strip()
    numbers = _NUMBERS_ONLY.fullmatch(text)
    if numbers is not None:
        raise ValueError(f"the time {text!r} needs {_suggestion(numbers)}")
    try:
        instant = _from_letters(text) or datetime.fromisoformat(_as_iso(text))
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            f"the time {text!r} is not a number, ISO 8601 or another known form; describe its form "
            "with --time-format"
        ) from None


def parse_times(column: pl.Series) -> NDArray[np.float64]:
    """Parse a column of plain ISO 8601 to seconds, float64 (rows,); NaN for any other text.

    `parse_time` may still accept a text that is NaN here.
    """
    text = column.str.strip_chars().str.replace(r"(?i:\s*utc|z)$", "")
    local = text.str.replace(r"^(\d{4}-\d{2}-\d{2})[ t](\d)", "${1}T${2}")
    seconds = local.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f", time_unit="us", time_zone=None, strict=False
    )
    zoned = local.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", time_zone="UTC", strict=False
    )
    dates = local.str.to_date("%Y-%m-%d", strict=False)
    microseconds = (
        seconds.dt.epoch("us")
        .zip_with(seconds.is_not_null(), zoned.dt.epoch("us"))
        .zip_with(dates.is_null(), dates.dt.epoch("us"))
    )
    # Divide in numpy: polars multiplies by the inverse, which rounds differently.
    return microseconds.cast(pl.Float64).fill_null(np.nan).to_numpy() / 1e6


def parse_formatted_time(text: str, form: str) -> float:
    """Parse a time in a form of ``strptime`` to seconds; a time without a zone is in UTC.

    Raises:
        ValueError: the text has another form. The message is for users.
    """
    try:
        instant = datetime.strptime(text.strip(), form)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"the time {text!r} is not written as {form}") from None


def _from_letters(text: str) -> datetime | None:
    for form in _IN_LETTERS:
        match = form.fullmatch(text)
        if match is None:
            continue
        name = match["month"][:3].lower()
        if len(name) != 3 or _MONTHS.find(name) % 3 or name not in _MONTHS:
            raise ValueError(text)
        clock = (match["clock"] or "00:00").replace(",", ".")
        hour, minutes = clock.split(":", 1)
        if match["half"]:
            if not 1 <= int(hour) <= 12:
                raise ValueError(text)
            hour = str(int(hour) % 12 + (12 if match["half"][0] in "Pp" else 0))
        zone = match["zone"] or ""
        zone = "+00:00" if zone in _UTC_NAMES else zone
        day, month = int(match["day"]), _MONTHS.find(name) // 3 + 1
        return datetime.fromisoformat(
            f"{match['year']}-{month:02}-{day:02}T{int(hour):02}:{minutes}{zone}"
        )
    return None


def _as_iso(text: str) -> str:
    """Rewrite variants of ISO 8601 in the form that `datetime.fromisoformat` accepts."""
    for name in _UTC_NAMES:
        if text.upper().endswith(name) and text[: -len(name)].rstrip()[-1:].isdigit():
            text = text[: -len(name)].rstrip() + "+00:00"
            break
    if re.fullmatch(r"\d{4}-\d{2}", text):
        return f"{text}-01"
    match = _YEAR_FIRST.fullmatch(text)
    if match is None:
        return text
    year, _, month, day, clock = match.groups()
    date = f"{year}-{int(month):02}-{int(day):02}"
    if clock is None:
        return date
    hour, minutes = clock.split(":", 1)
    minutes = re.sub(r"\s+(?=[+-])", "", minutes.replace(",", "."))
    return f"{date}T{int(hour):02}:{minutes}"


def _suggestion(match: re.Match[str]) -> str:
    """Suggest the option for a date in numbers with the year last."""
    first, separator, second, year, clock = match.groups()
    year_form = "%Y" if len(year) == 4 else "%y"
    time_form = ""
    if clock.strip():
        halves = " %p" if re.search(r"[AaPp][Mm]", clock) else ""
        hour = "%I" if halves else "%H"
        time_form = clock[: len(clock) - len(clock.lstrip())] + hour + ":%M"
        time_form += ":%S" if clock.count(":") > 1 else ""
        time_form += halves
    day_first = separator.join(("%d", "%m", year_form)) + time_form
    month_first = separator.join(("%m", "%d", year_form)) + time_form
    if int(first) > 12:
        return f"--time-format '{day_first}'"
    if int(second) > 12:
        return f"--time-format '{month_first}'"
    return f"--time-format '{day_first}' or '{month_first}', whichever is meant"
