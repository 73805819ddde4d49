"""A table of items: tags and attributes, for the filters of the service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from index.attributes import ItemAttributes
from training.data.columns import find_item_column
from training.data.delimited import split_line
from training.data.text import TextFile
from training.errors import DataError

__all__ = ["ItemTable", "read_item_table"]

TAGS: Final = "tags"
TAG_SEPARATOR: Final = "|"
_DELIMITERS: Final = (",", "\t", ";")
# Names that no column of a file has, since theirs are stripped.
_ID: Final = " id"
_TAGS: Final = " tags"


@dataclass(frozen=True, eq=False)
class ItemTable:
    """What is known of items, a row an item in any order.

    Attributes:
        name: of the file.
        ids: the items' ids, text, all different.
        tags: each item's tags, a list of text; None where the table has no such column.
        columns: the attributes: Float64 (numbers, null where unknown) or String.
    """

    name: str
    ids: pl.Series
    tags: pl.Series | None
    columns: pl.DataFrame

    def __len__(self) -> int:
        return len(self.ids)

    def count(self, item_ids: Sequence[str]) -> int:
        """How many of the items named it has."""
        return int(pl.Series(item_ids, dtype=pl.String).is_in(self.ids.to_list()).sum())

    def of(self, item_ids: Sequence[str]) -> ItemAttributes:
        """The attributes of the items named, in that order; nothing is known of one not here."""
        wanted = pl.DataFrame({_ID: pl.Series(item_ids, dtype=pl.String)})
        frame = self.columns.with_columns(self.ids.alias(_ID))
        if self.tags is not None:
            frame = frame.with_columns(self.tags.alias(_TAGS))
        found = wanted.join(frame, on=_ID, how="left", maintain_order="left")
        tags = [] if self.tags is None else [row or () for row in found[_TAGS].to_list()]
        numbers, texts = {}, {}
        for column in found.select(self.columns.columns):
            if column.dtype == pl.Float64:
                numbers[column.name] = column.fill_null(np.nan).to_numpy()
            else:
                texts[column.name] = column.to_list()
        return ItemAttributes.build(len(item_ids), tags, numbers, texts)


def read_item_table(path: Path, item_column: str | None = None) -> ItemTable:
    """Read a CSV, TSV or Parquet file with a header.

    One column has the items' ids. A column `tags` has their tags: in Parquet a list of text, in
    text separated by bars (`jazz|live`). Every other column is an attribute: numbers where all its
    values are, instants and dates as seconds since 1970-01-01 UTC, truths as the texts `true` and
    `false`, and text otherwise; an empty or null value is unknown.

    Args:
        path: the file, UTF-8 if it is text.
        item_column: the column of ids; None finds it by the names that interactions have it under,
            or `id`.

    Raises:
        DataError: the file cannot be read, lacks the column, or has an id twice or none; or a
            column is of a type that is no attribute, or has an infinite number.
    """
    frame = _load(path)
    if not frame.columns:
        raise DataError("is empty", file=path)
    frame = frame.rename({name: name.strip() for name in frame.columns})
    item = frame.columns[find_item_column(frame.columns, item_column, path)]
    ids = frame[item]
    if not (ids.dtype.is_integer() or ids.dtype in (pl.String, pl.Categorical, pl.Enum)):
        raise DataError(
            f"the item column has type {ids.dtype}; ids are text or integers", file=path
        )
    ids = ids.cast(pl.String)
    _refuse_bad_ids(ids, path)
    others = [column for column in frame if column.name not in (item, TAGS)]
    columns = pl.DataFrame([_attribute(column, path) for column in others])
    tags = _tags(frame[TAGS], path) if TAGS in frame.columns and item != TAGS else None
    return ItemTable(path.name, ids, tags, columns)


def _load(path: Path) -> pl.DataFrame:
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pl.read_parquet(path)
        header = next((line for line in TextFile(path).head_lines if line.strip()), None)
        if header is None:
            raise DataError("is empty", file=path)
        delimiter = max(_DELIMITERS, key=lambda one: len(split_line(header, one, quotes=True)))
        return pl.read_csv(path, separator=delimiter, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"cannot be read as a table of items: {problem}", file=path) from error


def _refuse_bad_ids(ids: pl.Series, path: Path) -> None:
    # The header is the first line of a text; of Parquet, rows are counted.
    first, unit = (1, "row") if path.suffix.lower() in (".parquet", ".pq") else (2, "line")
    blank = (ids.is_null() | (ids.str.strip_chars() == "")).arg_true()
    if len(blank):
        raise DataError("the item id is empty", file=path, line=blank[0] + first, unit=unit)
    again = ids.is_duplicated().arg_true()
    if len(again):
        raise DataError(f"there are several rows for the item {ids[again[0]]!r}", file=path)


def _attribute(column: pl.Series, path: Path) -> pl.Series:
    dtype = column.dtype
    if dtype == pl.String:
        column = column.replace("", None)
        numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
        if column.is_null().all() or numbers.null_count() > column.null_count():
            return column
        column = numbers
    elif dtype in (pl.Date, pl.Datetime):
        column = column.dt.epoch("us").cast(pl.Float64) / 1e6
    elif dtype == pl.Boolean:
        return column.replace_strict({True: "true", False: "false"}, return_dtype=pl.String)
    elif dtype in (pl.Categorical, pl.Enum):
        return column.cast(pl.String).replace("", None)
    elif dtype.is_numeric():
        column = column.cast(pl.Float64)
    else:
        raise DataError(
            f"the column {column.name!r} has type {dtype}; attributes are numbers, text, truths, "
            f"instants and dates, and lists of text go into the column {TAGS!r}",
            file=path,
        )
    if column.is_infinite().any():
        raise DataError(f"the column {column.name!r} has an infinite number", file=path)
    return column.fill_nan(None)


def _tags(column: pl.Series, path: Path) -> pl.Series:
    if column.dtype == pl.String:
        column = column.fill_null("").str.split(TAG_SEPARATOR)
    if column.dtype != pl.List(pl.String):
        raise DataError(
            f"the column {TAGS!r} has type {column.dtype}; tags are lists of text, or text with "
            f"{TAG_SEPARATOR} between",
            file=path,
        )
    stripped = pl.element().str.strip_chars()
    return column.list.eval(stripped.filter(stripped.str.len_bytes() > 0))
