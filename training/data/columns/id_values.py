"""Convert the ids of any source to text, and check them."""

from __future__ import annotations

import polars as pl

from bitrecall.events.rules import MAX_ID_LENGTH, id_fault
from bitrecall.training.errors import DataError

__all__ = ["clean_ids", "id_faults"]


def clean_ids(column: pl.Series, role: str, label: str) -> pl.Series:
    """Convert ids to text (String); null for an id that is missing or blank.

    White space around text is removed, as the service does with ids; nothing else changes.
    Categories and bytes in UTF-8 become text, and integers decimal text. Floats and decimals are
    accepted if all are integers, since some tools write integers that way.

    Args:
        column: as read.
        role: ``user`` or ``item``, for the message.
        label: the file, for the message.

    Raises:
        DataError: the column has another type, or a value that cannot become an id.
    """
    dtype = column.dtype
    if dtype.is_float():
        column = _integers_of_floats(column, role, label)
    elif dtype.is_decimal():
        column = _integers_of_decimals(column, role, label)
    elif dtype == pl.Binary:
        column = _decoded(column, role, label)
    dtype = column.dtype
    if not (dtype.is_integer() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)):
        raise DataError(f"the {role} column has type {dtype}; ids are text or integers", file=label)
    ids = column.cast(pl.String).str.strip_chars()
    return ids.set(ids == "", None)


def id_faults(ids: pl.Series, role: str) -> dict[int, str]:
    """Describe each id that cannot be used, by row; a missing id counts as empty.

    The rules are those of events: any id that training accepts is valid in an event.

    Args:
        ids: String, from ``clean_ids``.
        role: ``user`` or ``item``, for the message.
    """
    suspect = (
        ids.is_null()
        | (ids.str.len_bytes() > MAX_ID_LENGTH).fill_null(True)
        | ids.str.contains("\0", literal=True).fill_null(True)
    )
    faults = {row: id_fault(ids[row] or "") for row in suspect.arg_true().to_list()}
    return {row: f"the {role} id {fault}" for row, fault in faults.items() if fault is not None}


def _integers_of_floats(column: pl.Series, role: str, label: str) -> pl.Series:
    """Convert floats to integers; NaN becomes null."""
    column = column.fill_nan(None)
    integers = column.cast(pl.Int64, strict=False)
    # Above 2^53 a float cannot represent every integer: two ids may have become one.
    inexact = (
        (integers.cast(column.dtype) != column) | integers.is_null() | (integers.abs() > 2**53)
    )
    invalid = column.filter(inexact).drop_nulls()
    if len(invalid):
        raise DataError(
            f"the {role} column has type {column.dtype}, and {invalid[0]:.17g} is not an integer "
            "that a float represents exactly; ids are text or integers",
            file=label,
        )
    return integers


def _integers_of_decimals(column: pl.Series, role: str, label: str) -> pl.Series:
    text = column.cast(pl.String)
    invalid = text.filter(~text.str.contains(r"^-?\d+(\.0*)?$"))
    if len(invalid):
        raise DataError(
            f"the {role} column has type {column.dtype}, and {invalid[0]} is not an integer; ids "
            "are text or integers",
            file=label,
        )
    return text.str.replace(r"\.0*$", "")


def _decoded(column: pl.Series, role: str, label: str) -> pl.Series:
    try:
        return column.cast(pl.String)
    except pl.exceptions.PolarsError:
        raise DataError(
            f"the {role} column has type Binary and contains bytes that are not UTF-8; write it as "
            "text, for example in hex",
            file=label,
        ) from None
