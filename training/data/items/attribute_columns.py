"""Types of the columns of an item table (number, Boolean, time, text), equal in all formats."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import Final

import polars as pl

from bitrecall.training.data.columns.time_text import parse_time
from bitrecall.training.errors import DataError

__all__ = ["UNKNOWN", "attribute_of", "tags_of"]

UNKNOWN: Final = ("", "-", "--", "n/a", "#n/a", "na", "<na>", "nan", "null", "none")
"""Texts that mean an unknown value, in lower case and without white space around them."""

# The first of these that occurs anywhere in a column of tags is its separator.
SEPARATORS: Final = ("|", ";", ",")

_BOOLEANS: Final = {"true": "true", "false": "false"}
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
# Amounts such as `$7.00` are not read as numbers: `1,234` could be either of two numbers.
_AMOUNT: Final = re.compile(r"[^\w\s]?\s?[-+]?\d[\d.,' ]*\s?([^\w\s]|[A-Za-z]{1,3})?")
# A text column gets a warning if at least this share of its values has another type.
_WARN_SHARE: Final = 0.5

Locate = Callable[[int], str]
"""Returns the place of a row in its file, such as ``line 3``."""


def attribute_of(column: pl.Series, label: str, locate: Locate) -> tuple[pl.Series, str | None]:
    """Convert a column to an attribute.

    A column of text becomes numbers if all known values are numbers, Booleans if all are true or
    false in any case, or times if all are ISO 8601; else it stays text. Times and dates become
    seconds since 1970-01-01 UTC, and Booleans the texts ``true`` and ``false``.

    Args:
        column: of any type; text as in the file.
        label: the file, for messages.
        locate: returns the place of a row, for messages.

    Returns:
        Float64 or String, null if unknown; and a warning if a few values made the column text,
        else None.

    Raises:
        DataError: attributes cannot have the column's type, or a number is infinite.
    """
    dtype, note = column.dtype, None
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        column, note = _convert_text(column.cast(pl.String), locate)
    elif dtype == pl.Null:
        column = column.cast(pl.String)
    elif dtype in (pl.Date, pl.Datetime):
        column = column.dt.epoch("us").cast(pl.Float64) / 1e6
    elif dtype == pl.Boolean:
        column = column.replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
    elif dtype.is_numeric():
        column = column.cast(pl.Float64)
    else:
        raise DataError(
            f"the column {column.name!r} has type {dtype}; attributes are numbers, text, booleans, "
            "times and dates, and lists of text are tags (--tags-column)",
            file=label,
        )
    if column.dtype == pl.Float64:
        infinite = column.is_infinite().arg_true()
        if len(infinite):
            raise DataError(
                f"the column {column.name!r} has an infinite number ({locate(infinite[0])})",
                file=label,
            )
        column = column.fill_nan(None)
    return column, note


def tags_of(column: pl.Series, label: str) -> tuple[pl.Series, str | None]:
    """Convert a column to lists of tags, without white space around tags and without empty tags.

    Text is split at bars; without a bar in the column at semicolons, or else at commas.

    Returns:
        List of String; and a note if the separator is not a bar, else None.

    Raises:
        DataError: the column is neither text nor lists of text.
    """
    note = None
    if column.dtype == pl.Null:
        column = column.cast(pl.String)
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        text = _known(column.cast(pl.String)).fill_null("")
        present = (mark for mark in SEPARATORS if text.str.contains(mark, literal=True).any())
        separator = next(present, SEPARATORS[0])
        if separator != SEPARATORS[0]:
            note = (
                f"tags in column {column.name!r} are split at {separator!r}, since it has no "
                f"{SEPARATORS[0]!r}"
            )
        column = _split(text, separator).alias(column.name)
    if column.dtype != pl.List(pl.String):
        raise DataError(
            f"the column {column.name!r} has type {column.dtype}; tags are lists of text, or text "
            f"separated by {SEPARATORS[0]}",
            file=label,
        )
    stripped = pl.element().str.strip_chars()
    return column.list.eval(stripped.filter(stripped.str.len_bytes() > 0)), note


def _split(text: pl.Series, separator: str) -> pl.Series:
    """Split text to lists; text in square brackets may be a list in JSON or Python syntax."""
    bracketed = text.str.starts_with("[") & text.str.ends_with("]")
    if not bracketed.any():
        return text.str.split(separator)
    lists = [
        _parse_list(value) if is_list else value.split(separator)
        for value, is_list in zip(text, bracketed, strict=True)
    ]
    return pl.Series(lists, dtype=pl.List(pl.String))


def _parse_list(text: str) -> list[str]:
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list):
            return [str(tag) for tag in value if tag is not None]
    return [text]


def _known(column: pl.Series) -> pl.Series:
    """Strip text, and replace texts that mean an unknown value with null."""
    stripped = column.str.strip_chars()
    return stripped.set(stripped.str.to_lowercase().is_in(UNKNOWN), None)


def _convert_text(column: pl.Series, locate: Locate) -> tuple[pl.Series, str | None]:
    known = _known(column)
    values = known.drop_nulls().unique(maintain_order=True)
    if not len(values):
        return known, None
    # `1_000` and digits of other scripts do not count as numbers.
    numeric_text = known.str.contains(r"^[\x00-\x5e\x60-\x7f]+$")
    numbers = known.set(~numeric_text, None).cast(pl.Float64, strict=False)
    if numbers.null_count() == known.null_count():
        return numbers, None
    booleans = known.str.to_lowercase().replace_strict(
        _BOOLEANS, default=None, return_dtype=pl.String
    )
    if booleans.null_count() == known.null_count():
        return booleans, None
    parsed = {value: _seconds(value) for value in values}
    times = known.replace_strict(parsed, default=None, return_dtype=pl.Float64)
    if times.null_count() == known.null_count():
        return times, None
    return known, _text_warning(column.name, known, (numbers, booleans, times), locate)


def _seconds(text: str) -> float | None:
    if _ISO.fullmatch(text) is None:
        return None
    try:
        return parse_time(text)
    except ValueError:
        return None


def _text_warning(
    name: str, known: pl.Series, conversions: tuple[pl.Series, ...], locate: Locate
) -> str | None:
    """Name the value that made a column text; None if most values are text."""
    n_known = len(known) - known.null_count()
    kinds = ("a number", "true or false", "an ISO 8601 time")
    for kind, column in zip(kinds, conversions, strict=True):
        if len(column) - column.null_count() >= _WARN_SHARE * n_known:
            row = (column.is_null() & known.is_not_null()).arg_true()[0]
            return (
                f"the column {name!r} is text, since {known[row]!r} ({locate(row)}) is not {kind}"
            )
    amounts = known.str.contains(f"^(?:{_AMOUNT.pattern})$")
    if (amounts.sum() or 0) >= _WARN_SHARE * n_known:
        row = amounts.fill_null(False).arg_true()[0]
        return (
            f"the column {name!r} is text, since {known[row]!r} ({locate(row)}) is not a number: "
            "write amounts without a currency and with a decimal point, such as 7.50"
        )
    return None
