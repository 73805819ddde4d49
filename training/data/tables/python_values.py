"""Columns of Python objects, as databases and data frames return them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import polars as pl

from bitrecall.training.errors import DataError

__all__ = ["series_of"]


def series_of(name: str, values: Sequence[Any], label: str) -> pl.Series:
    """Convert values to a series of one type; values mixed with text become text.

    Args:
        name: name of the column.
        values: the values; None is a missing value.
        label: the source, for messages.

    Raises:
        DataError: the values have no common type.
    """
    kinds = {type(value) for value in values} - {type(None)}
    if kinds & {Decimal, UUID, bytes, memoryview, bytearray}:
        values = [_simplify(value, name, label) for value in values]
        kinds = {type(value) for value in values} - {type(None)}
    if str in kinds and len(kinds) > 1:
        values = [value if value is None else str(value) for value in values]
    elif datetime in kinds and kinds <= {datetime, date}:
        values = [_in_utc(value) for value in values]
        return pl.Series(name, values, dtype=pl.Datetime("us", "UTC"))
    elif float in kinds and len(kinds) > 1:
        values = [value if value is None else float(value) for value in values]
    try:
        return pl.Series(name, values, strict=True)
    except UnicodeEncodeError as error:
        raise DataError(
            f"column {name!r} has text that is not valid Unicode: {error.reason}", file=label
        ) from None
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        shown = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(
            f"column {name!r} has values of type {shown}: convert them to text, numbers or times "
            "first",
            file=label,
        ) from None


def _simplify(value: Any, name: str, label: str) -> Any:
    """Convert decimals to numbers, and UUIDs and bytes to text."""
    if isinstance(value, Decimal):
        is_integer = value.is_finite() and value == value.to_integral_value()
        return int(value) if is_integer else float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise DataError(
                f"column {name!r} has bytes that are not text: write them as text, for example as "
                "hex",
                file=label,
            ) from None
    return value


def _in_utc(value: date | None) -> datetime | None:
    """Convert a date or time to UTC; times without a zone are in UTC."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
