"""Types of the columns of an item table: numbers, truths, times and text, whatever the file."""

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
"""Texts that stand for an unknown value, in lower case and without blanks around them."""

# Tried in this order: the first that a column of tags has anywhere separates them.
SEPARATORS: Final = ("|", ";", ",")

_TRUTHS: Final = {"true": "true", "false": "false"}
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
# Amounts as people write them, which are not read as numbers: `1,234` may be two different ones.
_AMOUNT: Final = re.compile(r"[^\w\s]?\s?[-+]?\d[\d.,' ]*\s?([^\w\s]|[A-Za-z]{1,3})?")
# A column of text is told of if so many of its values would have been something else.
_MOSTLY: Final = 0.5

Place = Callable[[int], str]
"""Where a row stands in its file, such as ``line 3``."""


def attribute_of(column: pl.Series, label: str, place: Place) -> tuple[pl.Series, str | None]:
    """An attribute and what there is to say about it.

    Text is numbers if all known values are, times if all are ISO 8601, truths if all are true or
    false in any case, and else text. Times and dates become seconds since 1970-01-01 UTC, truths
    the texts ``true`` and ``false``.

    Args:
        column: of any type; text as it stands in the file.
        label: the file, for messages.
        place: names a row, for messages.

    Returns:
        Float64 or String, null where unknown, and None or a warning: that a column became text
        because of a value.

    Raises:
        DataError: the type cannot be an attribute, or a number is infinite.
    """
    dtype, note = column.dtype, None
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        column, note = _of_text(column.cast(pl.String), place)
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
                f"the column {column.name!r} has an infinite number ({place(infinite[0])})",
                file=label,
            )
        column = column.fill_nan(None)
    return column, note


def tags_of(column: pl.Series, label: str) -> tuple[pl.Series, str | None]:
    """Lists of tags, without blanks around them and without empty ones, and what to say about it.

    Text is split at bars; in a column without any, at semicolons, or else at commas.

    Raises:
        DataError: the column is neither text nor lists of text.
    """
    note = None
    if column.dtype == pl.Null:
        column = column.cast(pl.String)
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        text = _known(column.cast(pl.String)).fill_null("")
        used = (one for one in SEPARATORS if text.str.contains(one, literal=True).any())
        separator = next(used, SEPARATORS[0])
        if separator != SEPARATORS[0]:
            note = (
                f"tags in column {column.name!r} are separated by {separator!r}; "
                f"{SEPARATORS[0]!r} would come first"
            )
        column = _split(text, separator).alias(column.name)
    if column.dtype != pl.List(pl.String):
        raise DataError(
            f"the column {column.name!r} has type {column.dtype}; tags are lists of text, or text "
            f"with {SEPARATORS[0]} between",
            file=label,
        )
    stripped = pl.element().str.strip_chars()
    return column.list.eval(stripped.filter(stripped.str.len_bytes() > 0)), note


def _split(text: pl.Series, separator: str) -> pl.Series:
    """Lists of text; a value in square brackets is a list in JSON or as Python writes it."""
    bracketed = text.str.starts_with("[") & text.str.ends_with("]")
    if not bracketed.any():
        return text.str.split(separator)
    lists = [
        _listed(value) if is_list else value.split(separator)
        for value, is_list in zip(text, bracketed, strict=True)
    ]
    return pl.Series(lists, dtype=pl.List(pl.String))


def _listed(text: str) -> list[str]:
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list):
            return [str(one) for one in found if one is not None]
    return [text]


def _known(column: pl.Series) -> pl.Series:
    stripped = column.str.strip_chars()
    return stripped.set(stripped.str.to_lowercase().is_in(UNKNOWN), None)


def _of_text(column: pl.Series, place: Place) -> tuple[pl.Series, str | None]:
    known = _known(column)
    values = known.drop_nulls().unique(maintain_order=True)
    if not len(values):
        return known, None
    # `1_000` and digits of other scripts are not numbers here.
    plain = known.str.contains(r"^[\x00-\x5e\x60-\x7f]+$")
    numbers = known.set(~plain, None).cast(pl.Float64, strict=False)
    if numbers.null_count() == known.null_count():
        return numbers, None
    truths = known.str.to_lowercase().replace_strict(_TRUTHS, default=None, return_dtype=pl.String)
    if truths.null_count() == known.null_count():
        return truths, None
    parsed = {value: _seconds(value) for value in values}
    times = known.replace_strict(parsed, default=None, return_dtype=pl.Float64)
    if times.null_count() == known.null_count():
        return times, None
    return known, _why_text(column.name, known, (numbers, truths, times), place)


def _seconds(text: str) -> float | None:
    if _ISO.fullmatch(text) is None:
        return None
    try:
        return parse_time(text)
    except ValueError:
        return None


def _why_text(
    name: str, known: pl.Series, kinds: tuple[pl.Series, ...], place: Place
) -> str | None:
    """Which value made a column text that mostly is something else; None if it mostly is text."""
    wanted = len(known) - known.null_count()
    for kind, column in zip(("a number", "true or false", "an ISO 8601 time"), kinds, strict=True):
        if len(column) - column.null_count() >= _MOSTLY * wanted:
            row = (column.is_null() & known.is_not_null()).arg_true()[0]
            return f"the column {name!r} is text, since {known[row]!r} ({place(row)}) is not {kind}"
    amounts = known.str.contains(f"^(?:{_AMOUNT.pattern})$")
    if (amounts.sum() or 0) >= _MOSTLY * wanted:
        row = amounts.fill_null(False).arg_true()[0]
        return (
            f"the column {name!r} is text, since {known[row]!r} ({place(row)}) is not a number: "
            "write amounts without a currency and with a decimal point, such as 7.50"
        )
    return None
