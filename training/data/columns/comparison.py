"""Comparing the cells of a column, of whatever type, with a value that was typed."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from bitrecall.training.errors import DataError

__all__ = ["Value", "as_numbers", "as_text", "compare", "parse_finite_number"]

_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DECIMAL_COMMA: Final = r"^([+-]?\d+),(\d{1,2}|\d{4,})$"
# Beyond this, neighbouring integers are one float.
_EXACT: Final = 2**53


@dataclass(frozen=True)
class Value:
    """A value in an option.

    Attributes:
        text: without its quotes.
        quoted: whether it had quotes, and so is text even if it looks like a number.
    """

    text: str
    quoted: bool = False

    @property
    def number(self) -> float | None:
        """The number that it is; None for text."""
        return parse_finite_number(self.text)


def parse_finite_number(text: str) -> float | None:
    """A finite number; None for anything else."""
    # float() also takes 1_000 and digits of other scripts.
    if "_" in text or not text.isascii():
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def compare(column: pl.Series, sign: str, value: Value) -> pl.Series:
    """Compare each cell with a value: Boolean, null for a missing cell.

    Numbers compare as numbers, instants as instants, truths as truths. Text compares as text,
    without white space around it, unless the value is a number without quotes: then cells that
    are numbers compare as such.

    Args:
        column: of any type.
        sign: one of = != < <= > >=.
        value: what to compare with.

    Raises:
        DataError: the column's type has no values like this one.
    """
    apply, dtype = _OPERATORS[sign], column.dtype
    if dtype == pl.Null:
        return pl.Series(column.name, [None] * len(column), dtype=pl.Boolean)
    if dtype == pl.Boolean:
        truth = {"true": True, "1": True, "false": False, "0": False}.get(value.text.lower())
        if truth is None or sign not in ("=", "!="):
            _refuse(column, value, "true or false, compared by = or !=")
        return apply(column, truth)  # type: ignore[no-any-return]
    if dtype.is_numeric():
        return _compare_numbers(column, sign, value)
    if dtype in (pl.Date, pl.Datetime):
        return apply(_instants(column), _instant(column, value))  # type: ignore[no-any-return]
    return _compare_text(as_text(column), sign, value)


def as_text(column: pl.Series) -> pl.Series:
    """Cells as text (String), without white space around them; null if blank.

    Whole numbers are written without a decimal point, whatever the column's type.
    """
    if column.dtype.is_float():
        whole = (column == column.round(0)) & (column.abs() < _EXACT)
        text = column.cast(pl.String)
        return text.zip_with(
            ~whole.fill_null(value=False), column.cast(pl.Int64, strict=False).cast(pl.String)
        )
    try:
        text = column.cast(pl.String).str.strip_chars()
    except pl.exceptions.PolarsError:
        raise DataError(
            f"column {column.name!r} has type {column.dtype}, which cannot be compared"
        ) from None
    return text.set(text == "", None)


def as_numbers(column: pl.Series) -> pl.Series:
    """Cells as numbers, Float64; null where a cell is no finite number.

    Text may have a decimal comma (``4,5``), unless it could be thousands as well (``1,234``).
    """
    if column.dtype == pl.String:
        column = column.str.strip_chars()
        if column.str.contains(",", literal=True).any():
            column = column.str.replace(_DECIMAL_COMMA, "${1}.${2}")
    try:
        numbers = column.cast(pl.Float64, strict=False)
    except pl.exceptions.PolarsError:
        return pl.Series(column.name, [None] * len(column), dtype=pl.Float64)
    return numbers.set(~numbers.is_finite(), None)


def _compare_numbers(column: pl.Series, sign: str, value: Value) -> pl.Series:
    number = value.number
    if number is None:
        if sign in ("=", "!="):
            # No number is this text.
            return _constant(column, sign == "!=")
        _refuse(column, value, "a number")
    if column.dtype.is_float():
        column = column.fill_nan(None)
    elif value.text.lstrip("+-").isdecimal() and abs(whole := int(value.text)) >= _EXACT:
        return _OPERATORS[sign](column.cast(pl.Int128), whole)  # type: ignore[no-any-return]
    found: pl.Series = _OPERATORS[sign](column.cast(pl.Float64), number)
    return found


def _compare_text(text: pl.Series, sign: str, value: Value) -> pl.Series:
    wanted = value.text.strip()
    if not wanted and sign in ("=", "!="):
        return text.is_null() if sign == "=" else text.is_not_null()
    as_written: pl.Series = _OPERATORS[sign](text, wanted)
    number = None if value.quoted else value.number
    if number is None:
        if sign not in ("=", "!=") and value.number is None:
            _refuse_numbers(text, value)
        return as_written
    numbers = as_numbers(text)
    by_number: pl.Series = _OPERATORS[sign](numbers, number)
    if sign not in ("=", "!="):
        return by_number
    if abs(number) >= _EXACT:
        return as_written
    return by_number.zip_with(numbers.is_not_null(), as_written)


def _refuse_numbers(text: pl.Series, value: Value) -> None:
    """Refuse to order cells that are all numbers against text, such as seconds against a date."""
    given = text.drop_nulls()
    if len(given) and not as_numbers(given).has_nulls():
        raise DataError(
            f"column {text.name!r} holds numbers, such as {given[0]}: compare it with a number, "
            f"not {value.text!r}"
        )


def _constant(column: pl.Series, truth: bool) -> pl.Series:
    same = pl.Series(column.name, [truth] * len(column), dtype=pl.Boolean)
    return same.set(column.is_null(), None)


def _instants(column: pl.Series) -> pl.Series:
    return column.dt.epoch("us")


def _instant(column: pl.Series, value: Value) -> int:
    try:
        instant = datetime.fromisoformat(value.text.strip())
    except ValueError:
        _refuse(column, value, "a date or time in ISO 8601")
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    seconds = (instant - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return round(seconds * 1_000_000)


def _refuse(column: pl.Series, value: Value, wanted: str) -> Any:
    raise DataError(
        f"column {column.name!r} has type {column.dtype}: compare it with {wanted}, "
        f"not {value.text!r}"
    )
