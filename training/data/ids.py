"""Ids of any source as text."""

from __future__ import annotations

import polars as pl

from training.errors import DataError

__all__ = ["clean_ids"]


def clean_ids(column: pl.Series, role: str, label: str) -> pl.Series:
    """Ids as text (String), null for an id that is missing or blank.

    Text stays as it is, categories become their text, and integers their decimal text.

    Args:
        column: as read.
        role: ``user`` or ``item``, for the message.
        label: the file, for the message.

    Raises:
        DataError: the column has another type.
    """
    dtype = column.dtype
    if not (dtype.is_integer() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        raise DataError(f"the {role} column has type {dtype}; ids are text or integers", file=label)
    ids = column.cast(pl.String)
    return ids.set(ids.str.strip_chars() == "", None)
