"""Compare the cells of a column of any type with a value from an option."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

import polars as pl

from bitrecall.training.data.columns.numbers import parse_finite_number
from bitrecall.training.errors import DataError

__all__ = ["Value", "as_numbers", "as_text", "compare"]

_OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DECIMAL_COMMA: Final = r"^([+-]?\d+),(\d{1,2}|\d{4,})$"
# Above this, a float64 cannot represent every integer.
_MAX_EXACT_INTEGER: Final = 2**53


@dataclass(frozen=True)
class Value:
    """A value in an option.

    Attributes:
        text: the value without quotes.
        quoted: whether it was in quotes, which makes it text even if it looks like a number.
    """

    text: str
    quoted: bool = False

    @property
    def number(self) -> float | None:
        """The value as a number; None for text."""
        return parse_finite_number(self.text)


def compare(column: pl.Series, symbol: str, value: Value) -> pl.Series:
    """Compare each cell with a value: Boolean, null for a missing cell.

    Numbers compare as numbers, times as times and Booleans as Booleans. Text compares as text,
    without the white space around it. If the value is a number without quotes, text cells that
    are numbers compare as numbers.

    Args:
        column: of any type.
        symbol: one of = != < <= > >=.
        value: from the option.

    Raises:
        DataError: the value cannot be compared with the column's type.
    """
    apply, dtype = _OPERATORS[symbol], column.dtype
    if dtype == pl.Null:
        return pl.Series(column.name, [None] * len(column), dtype=pl.Boolean)
    if dtype == pl.Boolean:
        boolean = {"true": True, "1": True, "false": False, "0": False}.get(value.text.lower())
        if boolean is None or symbol not in ("=", "!="):
            _raise_mismatch(column, value, "true or false by = or !=")
        return apply(column, boolean)  # type: ignore[no-any-return]
    if dtype.is_numeric():
        return _compare_numbers(column, symbol, value)
    if dtype in (pl.Date, pl.Datetime):
        return apply(column.dt.epoch("us"), _microseconds(column, value))  # type: ignore[no-any-return]
    return _compare_text(as_text(column), symbol, value)


def as_text(column: pl.Series) -> pl.Series:
    """Convert cells to text (String) without white space around them; null if blank.

    Integers are written without a decimal point, also from a column of floats.
    """
    if column.dtype.is_float():
        integral = (column == column.round(0)) & (column.abs() < _MAX_EXACT_INTEGER)
        text = column.cast(pl.String)
        return text.zip_with(
            ~integral.fill_null(value=False), column.cast(pl.Int64, strict=False).cast(pl.String)
        )
    try:
        text = column.cast(pl.String).str.strip_chars()
    except pl.exceptions.PolarsError:
        raise DataError(
            f"column {column.name!r} has type {column.dtype}, which cannot be compared"
        ) from None
    return text.set(text == "", None)


def as_numbers(column: pl.Series) -> pl.Series:
    """Convert cells to Float64; null for a cell that is not a finite number.

    Text may have a decimal comma (``4,5``), unless it may separate thousands (``1,234``).
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


def _compare_numbers(column: pl.Series, symbol: str, value: Value) -> pl.Series:
    number = value.number
    if number is None:
        if symbol in ("=", "!="):
            # No number equals this text.
            return _constant(column, symbol == "!=")
        _raise_mismatch(column, value, "a number")
    if column.dtype.is_float():
        column = column.fill_nan(None)
    elif (
        value.text.lstrip("+-").isdecimal()
        and abs(integer := int(value.text)) >= _MAX_EXACT_INTEGER
    ):
        return _OPERATORS[symbol](column.cast(pl.Int128), integer)  # type: ignore[no-any-return]
    matches: pl.Series = _OPERATORS[symbol](column.cast(pl.Float64), number)
    return matches


def _compare_text(text: pl.Series, symbol: str, value: Value) -> pl.Series:
    literal = value.text.strip()
    if not literal and symbol in ("=", "!="):
        return text.is_null() if symbol == "=" else text.is_not_null()
    by_text: pl.Series = _OPERATORS[symbol](text, literal)
    number = None if value.quoted else value.number
    if number is None:
        if symbol not in ("=", "!=") and value.number is None:
            _reject_all_numbers(text, value)
        return by_text
    numbers = as_numbers(text)
    by_number: pl.Series = _OPERATORS[symbol](numbers, number)
    if symbol not in ("=", "!="):
        return by_number
    if abs(number) >= _MAX_EXACT_INTEGER:
        return by_text
    return by_number.zip_with(numbers.is_not_null(), by_text)


def _reject_all_numbers(text: pl.Series, value: Value) -> None:
    """Refuse to order a column of numbers against text, such as seconds against a date."""
    known = text.drop_nulls()
    if len(known) and not as_numbers(known).has_nulls():
        raise DataError(
            f"column {text.name!r} contains numbers, such as {known[0]}: compare it with a number, "
            f"not {value.text!r}"
        )


def _constant(column: pl.Series, result: bool) -> pl.Series:
    results = pl.Series(column.name, [result] * len(column), dtype=pl.Boolean)
    return results.set(column.is_null(), None)


def _microseconds(column: pl.Series, value: Value) -> int:
    try:
        instant = datetime.fromisoformat(value.text.strip())
    except ValueError:
        _raise_mismatch(column, value, "a date or time in ISO 8601")
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    seconds = (instant - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return round(seconds * 1_000_000)


def _raise_mismatch(column: pl.Series, value: Value, expected: str) -> NoReturn:
    raise DataError(
        f"column {column.name!r} has type {column.dtype}: compare it with {expected}, "
        f"not {value.text!r}"
    )
