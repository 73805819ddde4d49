"""Tables in memory: of pandas, of polars, and of any library with Arrow's C stream."""

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
    """Whether ``as_frame`` takes it for a table."""
    return (
        isinstance(data, pl.DataFrame | pl.LazyFrame)
        or hasattr(data, "__arrow_c_stream__")
        or _is_pandas(data)
    )


def as_frame(table: object, label: str) -> pl.DataFrame:
    """A table as a polars frame.

    Args:
        table: a data frame of pandas or polars, or an object with ``__arrow_c_stream__``, such as a
            table of pyarrow, a relation of DuckDB or a frame of narwhals.
        label: what messages call it.

    Raises:
        DataError: it is not a table, has two columns of one name, or holds values that have no
            type in common.
    """
    if isinstance(table, pl.DataFrame):
        return table
    try:
        if isinstance(table, pl.LazyFrame):
            return table.collect()
        # Before its stream, which needs pyarrow and fails on columns of several types.
        if _is_pandas(table):
            return _from_pandas(table, label)
        if hasattr(table, "__arrow_c_stream__"):
            return pl.DataFrame(_Stream(table))
    except pl.exceptions.PolarsError as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"cannot be read as a table: {problem}", file=label) from error
    raise DataError(
        f"is of type {type(table).__name__}: expected a path, a data frame of pandas or polars, or "
        "an Arrow table",
        file=label,
    )


class FrameSource:
    """A frame as a source of interactions.

    Args:
        frame: the table.
        label: what messages call it.
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
        wanted = [stored[name] for name in names]
        for start in range(0, len(self._frame), BATCH_ROWS):
            part = self._frame.slice(start, BATCH_ROWS)
            rows = np.arange(start + 1, start + len(part) + 1, dtype=np.int64)
            flat, rows = flatten(part, wanted, rows, self.label)
            yield RowBatch(flat.rename(dict(zip(wanted, names, strict=True))), rows)

    def sample(self) -> pl.DataFrame:
        """The first rows, their plain columns."""
        frame = self._frame.head(200)
        plain = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]
        return frame.select(pl.col(name).alias(name.strip()) for name in plain)


class _Stream:
    """Nothing of a table but its Arrow stream, so that polars reads it by that."""

    def __init__(self, table: Any) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def _is_pandas(data: object) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _from_pandas(frame: Any, label: str) -> pl.DataFrame:
    """A frame of pandas, its index included if it has a name."""
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    again = next((name for name in names if names.count(name) > 1), None)
    if again is not None:
        raise DataError(f"has several columns called {again!r}", file=label)
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
    plain = [
        _plain(value) if known else None
        for value, known in zip(values, column.notna(), strict=True)
    ]
    return series_of(name, plain, label)


def _plain(value: Any) -> Any:
    """A value as a type of Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, datetime) and type(value) is not datetime:
        return value.to_pydatetime(warn=False)  # type: ignore[attr-defined]
    return value
