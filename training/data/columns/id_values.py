"""Ids of any source as text."""

from __future__ import annotations

import polars as pl

from bitrecall.events.rules import MAX_ID_LENGTH, id_fault
from bitrecall.training.errors import DataError

__all__ = ["clean_ids", "id_faults"]


def clean_ids(column: pl.Series, role: str, label: str) -> pl.Series:
    """Ids as text (String), null for an id that is missing or blank.

    Text loses the blanks around it and stays as it is otherwise, as the service takes ids too.
    Categories and bytes in UTF-8 become their text, and integers their decimal text; floats and
    decimals are read if all of them are whole numbers, since tools write integers so.

    Args:
        column: as read.
        role: ``user`` or ``item``, for the message.
        label: the file, for the message.

    Raises:
        DataError: the column has another type.
    """
    dtype = column.dtype
    if dtype.is_float():
        column = _whole(column, role, label)
    elif dtype.is_decimal():
        column = _whole_decimals(column, role, label)
    elif dtype == pl.Binary:
        column = _decoded(column, role, label)
    dtype = column.dtype
    if not (dtype.is_integer() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        raise DataError(f"the {role} column has type {dtype}; ids are text or integers", file=label)
    ids = column.cast(pl.String).str.strip_chars()
    return ids.set(ids == "", None)


def id_faults(ids: pl.Series, role: str) -> dict[int, str]:
    """What is wrong with each id that cannot be used, by its row; a missing one is empty.

    The rules are those of events: an id that training takes, an event may have too.

    Args:
        ids: String, as ``clean_ids`` returns them.
        role: ``user`` or ``item``, for the message.
    """
    suspect = (
        ids.is_null()
        | (ids.str.len_bytes() > MAX_ID_LENGTH).fill_null(True)
        | ids.str.contains("\0", literal=True).fill_null(True)
    )
    faults = {row: id_fault(ids[row] or "") for row in suspect.arg_true().to_list()}
    return {row: f"the {role} id {fault}" for row, fault in faults.items() if fault is not None}


def _whole(column: pl.Series, role: str, label: str) -> pl.Series:
    """Floats as integers; NaN is null."""
    column = column.fill_nan(None)
    whole = column.cast(pl.Int64, strict=False)
    # Above 2^53 floats lack integers, so that several ids may have become one.
    inexact = (whole.cast(column.dtype) != column) | whole.is_null() | (whole.abs() > 2**53)
    odd = column.filter(inexact).drop_nulls()
    if len(odd):
        raise DataError(
            f"the {role} column has type {column.dtype}, and {odd[0]:.17g} is no whole number that "
            "a float can hold exactly; ids are text or integers",
            file=label,
        )
    return whole


def _whole_decimals(column: pl.Series, role: str, label: str) -> pl.Series:
    text = column.cast(pl.String)
    odd = text.filter(~text.str.contains(r"^-?\d+(\.0*)?$"))
    if len(odd):
        raise DataError(
            f"the {role} column has type {column.dtype}, and {odd[0]} is no whole number; ids are "
            "text or integers",
            file=label,
        )
    return text.str.replace(r"\.0*$", "")


def _decoded(column: pl.Series, role: str, label: str) -> pl.Series:
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError:
        raise DataError(
            f"the {role} column has type Binary and holds bytes that are not UTF-8; write it as "
            "text, for example in hex",
            file=label,
        ) from None
