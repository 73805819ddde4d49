"""Item tables: tags and attributes, for the filters of the service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.suggestions import did_you_mean
from bitrecall.training.data.columns.column_names import (
    ITEM_NAMES,
    find_item_column,
    normalise_name,
)
from bitrecall.training.data.columns.id_values import clean_ids
from bitrecall.training.data.items.attribute_columns import attribute_of, tags_of
from bitrecall.training.data.items.item_file import ItemFile
from bitrecall.training.errors import DataError

__all__ = ["ItemTable", "item_table_of", "read_item_table"]

_TAGS_NAME: Final = "tags"
# A table with fewer of the trained items than this share may use other ids, and gets a warning.
_WARN_SHARE: Final = 0.5
# The first names of `ITEM_NAMES`, for items and products, take precedence over `id`.
_BEFORE_ID: Final = 5
# These cannot clash with names of columns, which are stripped.
_ID: Final = " id"
_TAGS: Final = " tags"


@dataclass(frozen=True, eq=False)
class ItemTable:
    """Tags and attributes of items, one row per item in any order.

    Attributes:
        name: of the file.
        ids: the items' ids, String, distinct.
        tags: each item's tags, List of String; None without a column of tags.
        columns: the attributes, each Float64 or String, null if unknown.
        notes: remarks for the user: columns that became text, repeated rows.
    """

    name: str
    ids: pl.Series
    tags: pl.Series | None
    columns: pl.DataFrame
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.ids)

    def count(self, item_ids: Sequence[str]) -> int:
        """Count how many of the items are in the table."""
        return int(pl.Series(item_ids, dtype=pl.String).is_in(self.ids.to_list()).sum())

    def attributes_of(self, item_ids: Sequence[str]) -> ItemAttributes:
        """Return the attributes of the items in this order; unknown for an item not in the table.

        Raises:
            ReleaseContentsError: the columns cannot be published.
        """
        columns = [self.ids.alias(_ID), *self.columns]
        if self.tags is not None:
            columns.append(self.tags.alias(_TAGS))
        items = pl.DataFrame({_ID: pl.Series(item_ids, dtype=pl.String)})
        rows = items.join(pl.DataFrame(columns), on=_ID, how="left", maintain_order="left")
        tags = [] if self.tags is None else [row or () for row in rows[_TAGS].to_list()]
        numbers, texts = {}, {}
        for name in self.columns.columns:
            column = rows[name]
            if column.dtype == pl.Float64:
                numbers[name] = column.fill_null(np.nan).to_numpy()
            else:
                texts[name] = column.to_list()
        return ItemAttributes.build(len(item_ids), tags, numbers, texts)

    def check_against(self, item_ids: Sequence[str]) -> list[str]:
        """Check that the table fits the trained items, and return warnings.

        Call this before training, so that publishing cannot fail because of the table.

        Args:
            item_ids: of the items that will be published.

        Raises:
            DataError: no item is in the table.
            ReleaseContentsError: the columns cannot be published.
        """
        known, total = self.count(item_ids), len(item_ids)
        if not known and total:
            raise DataError(
                f"has no item of the interactions: the table has ids such as {_examples(self.ids)}"
                f", the interactions such as {_examples(item_ids)}. Name the table's id column "
                "with --item-column, or write both in the same form",
                file=self.name,
            )
        self.attributes_of(item_ids)
        warnings = list(self.notes)
        if known < _WARN_SHARE * total:
            missing = pl.Series(item_ids, dtype=pl.String)
            missing = missing.filter(~missing.is_in(self.ids.to_list()))
            warnings.append(
                f"has only {known:,} of the {total:,} items; items without a row: "
                f"{_examples(missing)}"
            )
        return [f"{self.name}: {warning}" for warning in warnings]


def read_item_table(
    path: Path,
    item_column: str | None = None,
    tags_column: str | None = None,
    encoding: str | None = None,
) -> ItemTable:
    """Read an item table from delimited text with a header, JSON or Parquet.

    One column has the items' ids. A column ``tags``, in any case, has their tags: lists of text, or
    text separated by bars (``jazz|live``). Every other column is an attribute; docs/data.md
    describes its type.

    Args:
        path: the file, or a folder of parts.
        item_column: the column of ids; None looks for the common names of item columns and ``id``.
        tags_column: the column of tags; None looks for ``tags`` in any case.
        encoding: of text that is not UTF-8.

    Raises:
        DataError: the file cannot be read, has no rows or lacks a column; an id is empty, or has
            two different rows; or an attribute has an unsupported type or an infinite number.
    """
    return item_table_of(ItemFile.read(path, encoding), path, item_column, tags_column)


def item_table_of(
    file: ItemFile, path: Path, item_column: str | None = None, tags_column: str | None = None
) -> ItemTable:
    """Convert rows to an item table; ``path`` is for messages.

    Raises:
        DataError: as in ``read_item_table``.
    """
    frame, notes = file.frame, list(file.notes)
    item = _find_id_column(frame, item_column, path)
    if not len(frame):
        raise DataError("has no rows", file=path)
    ids = clean_ids(frame[item], "item", str(path))
    blank = ids.is_null().arg_true()
    if len(blank):
        raise DataError(f"the item id is empty ({file.place(blank[0])})", file=path)
    frame, ids, repeated = _drop_repeated_rows(file, ids, path)
    if repeated:
        notes.append(f"identical rows of an item: {repeated:,} ignored")
    tags_name = _find_tags_column(frame.columns, tags_column, item, path)
    tags = None
    if tags_name is not None:
        tags, note = tags_of(frame[tags_name], str(path))
        notes += [note] if note else []
    columns = []
    for name in frame.columns:
        if name in (item, tags_name):
            continue
        column, note = attribute_of(frame[name], str(path), file.place)
        notes += [note] if note else []
        columns.append(column)
    return ItemTable(path.name, ids, tags, pl.DataFrame(columns), tuple(notes))


def _find_id_column(frame: pl.DataFrame, requested: str | None, path: Path) -> str:
    """Find the id column: the first column with a common name and distinct values."""
    names = frame.columns
    if requested is None:
        for known in (*ITEM_NAMES[:_BEFORE_ID], "id", *ITEM_NAMES[_BEFORE_ID:]):
            for name in names:
                if normalise_name(name) == known and frame[name].drop_nulls().n_unique() == len(
                    frame
                ):
                    return name
    return names[find_item_column(names, requested, path)]


def _drop_repeated_rows(
    file: ItemFile, ids: pl.Series, path: Path
) -> tuple[pl.DataFrame, pl.Series, int]:
    """Drop rows that equal another in all columns; return the rows, the ids and how many."""
    if ids.n_unique() == len(ids):
        return file.frame, ids, 0
    rows = file.frame.with_columns(ids.alias(_ID)).with_row_index(" row")
    distinct = rows.unique(
        [name for name in rows.columns if name != " row"], keep="first", maintain_order=True
    )
    conflicts = distinct.filter(distinct[_ID].is_duplicated())
    if len(conflicts):
        item = conflicts[_ID][0]
        first, second, *_ = conflicts.filter(conflicts[_ID] == item)[" row"].to_list()
        raise DataError(
            f"has different rows for the item {item!r}: {file.place(first)} and "
            f"{file.place(second)}",
            file=path,
        )
    file.places = file.places[distinct[" row"]]
    return distinct.drop(" row", _ID), distinct[_ID], len(rows) - len(distinct)


def _find_tags_column(
    names: Sequence[str], requested: str | None, item: str, path: Path
) -> str | None:
    if requested is not None:
        if requested not in names:
            raise DataError(
                f"has no column {requested!r} (--tags-column); the columns are {', '.join(names)}"
                f"{did_you_mean(requested, names)}",
                file=path,
            )
        return requested
    matches = [name for name in names if normalise_name(name) == _TAGS_NAME and name != item]
    if len(matches) > 1:
        raise DataError(
            f"has several columns of tags: {', '.join(matches)}. Name one with --tags-column",
            file=path,
        )
    return matches[0] if matches else None


def _examples(ids: Sequence[str] | pl.Series) -> str:
    return ", ".join(repr(item_id) for item_id in ids[:3])
