"""Tables in memory: pandas, polars, and any library with an Arrow C stream."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from bitrecall.training.data.tables.nested_columns import flatten, leaf_names
from bitrecall.training.data.tables.python_values import series_of
from bitrecall.training.data.tables.table_source import BATCH_ROWS, RowBatch
from bitrecall.training.errors import DataError

__all__ = ["FrameSource", "as_frame", "is_table"]


def is_table(data: object) -> bool:
    """Whether ``as_frame`` accepts an object as a table."""
    return (
        isinstance(data, pl.DataFrame | pl.LazyFrame)
        or hasattr(data, "__arrow_c_stream__")
        or _is_pandas(data)
    )


def as_frame(table: object, label: str) -> pl.DataFrame:
    """Convert a table to a polars frame.

    Args:
        table: a pandas or polars data frame, or an object with ``__arrow_c_stream__``, such as a
            pyarrow table, a DuckDB relation or a narwhals frame.
        label: name of the table in messages.

    Raises:
        DataError: the object is not a table, has two columns with the same name, or a column has
            values without a common type.
    """
    if isinstance(table, pl.DataFrame):
        return table
    try:
        if isinstance(table, pl.LazyFrame):
            return table.collect()
        # Not by its stream, which needs pyarrow and fails on columns with mixed types.
        if _is_pandas(table):
            return _from_pandas(table, label)
        if hasattr(table, "__arrow_c_stream__"):
            return pl.DataFrame(_Stream(table))
    except (pl.exceptions.PolarsError, ImportError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"cannot be read as a table: {problem}", file=label) from error
    raise DataError(
        f"has type {type(table).__name__}: expected a path, a pandas or polars data frame, or an "
        "Arrow table",
        file=label,
    )


class FrameSource:
    """A data frame as a source of interactions.

    Args:
        frame: the table.
        label: name of the table in messages.
    """

    unit = "row"

    def __init__(self, frame: pl.DataFrame, label: str) -> None:
        self.label = label
        self.notes: tuple[str, ...] = ()
        self._frame = frame
        self._stored = leaf_names(frame.schema)
        self.names = [name.strip() for name in self._stored]

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named columns."""
        stored = dict(zip(self.names, self._stored, strict=True))
        columns = [stored[name] for name in names]
        for start in range(0, len(self._frame), BATCH_ROWS):
            part = self._frame.slice(start, BATCH_ROWS)
            rows = np.arange(start + 1, start + len(part) + 1, dtype=np.int64)
            flat, rows = flatten(part, columns, rows, self.label)
            yield RowBatch(flat.rename(dict(zip(columns, names, strict=True))), rows)

    def sample(self) -> pl.DataFrame:
        """Return the first rows, without nested columns."""
        frame = self._frame.head(200)
        plain = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]
        return frame.select(pl.col(name).alias(name.strip()) for name in plain)


class _Stream:
    """Expose only the Arrow stream of a table, so that polars uses it."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def _is_pandas(data: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _from_pandas(frame: Any, label: str) -> pl.DataFrame:
    """Convert a pandas frame; a named index becomes a column."""
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise DataError(f"has several columns named {repeated!r}", file=label)
    return pl.DataFrame(
        [_series(name, frame.iloc[:, place], label) for place, name in enumerate(names)]
    )


def _series(name: str, column: Any, label: str) -> pl.Series:
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        return pl.Series(name, column.to_numpy())
    if getattr(column.dtype, "kind", "") == "M":
        zone = getattr(column.dtype, "tz", None)
        if zone is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        instants = pl.Series(name, column.to_numpy().astype("datetime64[us]"))
        return instants if zone is None else instants.dt.replace_time_zone("UTC")
    values = column.astype(object)
    objects = [
        _to_python(value) if is_present else None
        for value, is_present in zip(values, column.notna(), strict=True)
    ]
    return series_of(name, objects, label)


def _to_python(value: Any) -> Any:
    """Convert a NumPy or pandas scalar to a Python object."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, datetime) and type(value) is not datetime:
        return value.to_pydatetime(warn=False)  # type: ignore[attr-defined]
    return value
