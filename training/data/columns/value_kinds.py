"""Guess what a column contains from a sample of its values."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from bitrecall.training.data.columns.numbers import parse_finite_number
from bitrecall.training.data.columns.time_text import parse_time
from bitrecall.training.data.columns.time_units import EARLY, plausible_unit

__all__ = ["ValueKind", "counts_up", "kind_of", "looks_like_data", "suggest_columns"]

_INTEGER: Final = re.compile(r"[+-]?\d{1,20}")
_MAX_RATING: Final = 100


class ValueKind(StrEnum):
    """The kind of all values in a sample."""

    TIME = "time"
    RATING = "rating"
    INTEGER = "integer"
    NUMBER = "number"
    TEXT = "text"


def kind_of(values: Iterable[str]) -> ValueKind:
    """Return the narrowest kind that fits all values; blank values are ignored."""
    present = [value.strip() for value in values if value.strip()]
    if not present:
        return ValueKind.TEXT
    numbers = [parse_finite_number(value) for value in present]
    if any(number is None for number in numbers):
        return ValueKind.TIME if all(map(_is_instant, present)) else ValueKind.TEXT
    finite = [number for number in numbers if number is not None]
    now = time.time()
    if all(plausible_unit(number, now) is not None for number in finite):
        return ValueKind.TIME
    integers = all(_INTEGER.fullmatch(value) for value in present)
    few = len(set(finite)) <= 11 and -_MAX_RATING <= min(finite) <= max(finite) <= _MAX_RATING
    halves = all((2 * number).is_integer() for number in finite)
    if few and halves and max(finite) <= 10 and min(finite) >= -10:
        return ValueKind.RATING
    return ValueKind.INTEGER if integers else ValueKind.NUMBER


def looks_like_data(fields: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a first record is data, not a header.

    It is data if a field is a number or a time, or occurs again in its column.
    """
    for position, field in enumerate(fields):
        text = field.strip()
        if not text:
            continue
        if parse_finite_number(text) is not None or _is_instant(text):
            return True
        if any(position < len(row) and row[position].strip() == text for row in rows):
            return True
    return False


def suggest_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Suggest column names for a table without a header, by the kinds of the values.

    The first column of ids is the user. The next one that does not look like ratings is the item.
    """
    columns = list(zip(*rows, strict=True))
    kinds = [kind_of(column) for column in columns]
    names: list[str] = [f"column{number}" for number in range(1, len(kinds) + 1)]
    ids = [
        index for index, kind in enumerate(kinds) if kind not in (ValueKind.TIME, ValueKind.NUMBER)
    ]
    if len(ids) > 2 and len(rows) > 1 and counts_up(columns[ids[0]]):
        names[ids[0]] = "row"  # a row number, not a user
        ids = ids[1:]
    if len(ids) > 1:
        likely = [index for index in ids[1:] if kinds[index] is not ValueKind.RATING]
        names[ids[0]], names[likely[0] if likely else ids[1]] = "user_id", "item_id"
    for kind, name in ((ValueKind.TIME, "timestamp"), (ValueKind.RATING, "rating")):
        for index, column in enumerate(columns):
            if kinds[index] is kind and names[index].startswith("column") and len(set(column)) > 1:
                names[index] = name
                break
    return names


def counts_up(values: Sequence[str]) -> bool:
    """Whether values are consecutive integers."""
    if not all(_INTEGER.fullmatch(value.strip()) for value in values):
        return False
    numbers = [int(value) for value in values]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _is_instant(text: str) -> bool:
    try:
        seconds = parse_time(text)
    except ValueError:
        return False
    return EARLY <= seconds <= time.time() + 86_400
