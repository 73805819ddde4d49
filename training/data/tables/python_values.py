"""Columns of Python objects, as databases and data frames hand them out."""

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
    """A column as one type; integers beside text become text.

    Args:
        name: of the column.
        values: what it holds; None is a missing value.
        label: the source, for messages.

    Raises:
        DataError: the values have no type in common.
    """
    kinds = {type(value) for value in values} - {type(None)}
    if kinds & {Decimal, UUID, bytes, memoryview, bytearray}:
        values = [_plain(value, name, label) for value in values]
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
    except (TypeError, OverflowError, pl.exceptions.PolarsError):
        shown = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DataError(
            f"column {name!r} holds values of type {shown}: convert them to text, numbers "
            "or times first",
            file=label,
        ) from None


def _plain(value: Any, name: str, label: str) -> Any:
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if whole else float(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        try:
            return bytes(value).decode()
        except UnicodeDecodeError:
            raise DataError(
                f"column {name!r} holds bytes that are not text: write them as text, for "
                "example in hex",
                file=label,
            ) from None
    return value


def _in_utc(value: date | None) -> datetime | None:
    """An instant in UTC, which is also what a time without a zone is in."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
