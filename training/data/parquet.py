"""Tables in Parquet, with named columns for user, item and time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.data.columns import find_columns
from training.data.options import ReadOptions, TimeUnit
from training.data.rows import BadRows, FileRows, Vocabulary, encode
from training.data.times import TimeParser, in_range, to_seconds
from training.errors import DataError

__all__ = ["read_parquet"]


def read_parquet(
    path: Path, vocabulary: Vocabulary, bad_rows: BadRows, options: ReadOptions
) -> FileRows:
    """Read one file; its new ids join the vocabulary in the order in which they come.

    Ids are text, categories, or integers, which become their decimal text. Times are instants or
    dates (UTC where they name no zone), numbers, or text as in a CSV file.

    Raises:
        DataError: the file cannot be read or lacks a column, or one has another type; or a row
            has a null, a blank id or a bad time (unless bad rows are skipped).
    """
    frame = _load(path, options)
    users, items = (_ids(frame[role], role, path) for role in ("user", "item"))
    problems: dict[int, str] = {}
    seconds = None
    if "time" in frame.columns:
        seconds = _seconds(frame["time"], options.time_unit, path, problems)
    for role, ids in (("item", items), ("user", users)):
        blank = ids.is_null() | (ids.str.strip_chars() == "")
        problems |= dict.fromkeys(blank.arg_true(), f"the {role} id is empty")
    good = np.ones(len(frame), bool)
    for row in sorted(problems):
        bad_rows.add(DataError(problems[row], file=path, line=row + 1, unit="row"))
        good[row] = False
    return FileRows(
        users=_encode(users.filter(good), vocabulary.users),
        items=_encode(items.filter(good), vocabulary.items),
        times=None if seconds is None else seconds[good],
    )


def _load(path: Path, options: ReadOptions) -> pl.DataFrame:
    """The columns in use, named by their roles."""
    try:
        names = list(pl.read_parquet_schema(path))
        columns = find_columns(names, options, path)
        roles = {names[columns.user]: "user", names[columns.item]: "item"}
        if columns.time is not None:
            roles[names[columns.time]] = "time"
        return pl.read_parquet(path, columns=list(roles)).rename(roles)
    except (OSError, pl.exceptions.PolarsError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"cannot be read as Parquet: {problem}", file=path) from error


def _ids(column: pl.Series, role: str, path: Path) -> pl.Series:
    if not (column.dtype.is_integer() or column.dtype in (pl.String, pl.Categorical, pl.Enum)):
        raise DataError(
            f"the {role} column has type {column.dtype}; ids are text or integers", file=path
        )
    return column.cast(pl.String)


def _seconds(
    column: pl.Series, unit: TimeUnit, path: Path, problems: dict[int, str]
) -> NDArray[np.float64]:
    """Seconds, float64 (rows,), whatever stands for the rows that are added to the problems."""
    dtype = column.dtype
    if dtype == pl.String:
        parse = TimeParser()
        values = np.zeros(len(column))
        for row, text in enumerate(column):
            try:
                values[row] = parse("" if text is None else text)
            except ValueError as error:
                problems[row] = str(error)
        unit = unit if parse.numbers else TimeUnit.SECONDS
    elif dtype in (pl.Date, pl.Datetime):
        values = column.dt.epoch("us").cast(pl.Float64).fill_null(np.nan).to_numpy()
        unit = TimeUnit.MICROSECONDS
    elif dtype.is_numeric():
        values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    else:
        raise DataError(
            f"the time column has type {dtype}; times are instants, dates, numbers or text",
            file=path,
        )
    finite = np.isfinite(values)
    seconds = np.full(len(values), np.nan)
    seconds[finite] = to_seconds(values[finite], unit)
    for row in np.flatnonzero(~in_range(seconds)).tolist():
        reason = "is empty or not finite" if not finite[row] else "lies outside the years 1 to 9999"
        problems.setdefault(row, f"the time {reason}")
    return seconds


def _encode(ids: pl.Series, vocabulary: dict[str, int]) -> NDArray[np.int32]:
    distinct = ids.unique(maintain_order=True)
    rows = encode(distinct, vocabulary)
    return rows[ids.cast(pl.Enum(distinct)).to_physical().to_numpy()] if len(ids) else rows
