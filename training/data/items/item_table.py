"""A table of items: tags and attributes, for the filters of the service."""

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
# Below this share of the trained items, a table is told of as one that may be of other ids.
_FEW: Final = 0.5
# The names of ids that come before `id`: those of items and products.
_BEFORE_ID: Final = 5
# Names that no column of a file has, since theirs are stripped.
_ID: Final = " id"
_TAGS: Final = " tags"


@dataclass(frozen=True, eq=False)
class ItemTable:
    """What is known of items, one row per item in any order.

    Attributes:
        name: of the file.
        ids: the items' ids, text, all different.
        tags: each item's tags, a list of text; None if the table has no such column.
        columns: the attributes: Float64 (numbers, null where unknown) or String.
        notes: what the reader wants to tell: columns that became text, rows given twice.
    """

    name: str
    ids: pl.Series
    tags: pl.Series | None
    columns: pl.DataFrame
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.ids)

    def count(self, item_ids: Sequence[str]) -> int:
        """How many of the items named it has."""
        return int(pl.Series(item_ids, dtype=pl.String).is_in(self.ids.to_list()).sum())

    def of(self, item_ids: Sequence[str]) -> ItemAttributes:
        """The attributes of the items named, in that order; nothing is known of one not here.

        Raises:
            ReleaseContentsError: the columns cannot be published.
        """
        columns = [self.ids.alias(_ID), *self.columns]
        if self.tags is not None:
            columns.append(self.tags.alias(_TAGS))
        wanted = pl.DataFrame({_ID: pl.Series(item_ids, dtype=pl.String)})
        found = wanted.join(pl.DataFrame(columns), on=_ID, how="left", maintain_order="left")
        tags = [] if self.tags is None else [row or () for row in found[_TAGS].to_list()]
        numbers, texts = {}, {}
        for name in self.columns.columns:
            column = found[name]
            if column.dtype == pl.Float64:
                numbers[name] = column.fill_null(np.nan).to_numpy()
            else:
                texts[name] = column.to_list()
        return ItemAttributes.build(len(item_ids), tags, numbers, texts)

    def check_against(self, item_ids: Sequence[str]) -> list[str]:
        """Warnings about how the table fits the items that are trained on.

        To be called before a training, so that nothing about the table fails after it.

        Args:
            item_ids: of the items that will be published.

        Raises:
            DataError: no id of the table is one of theirs.
            ReleaseContentsError: as ``of``.
        """
        known, wanted = self.count(item_ids), len(item_ids)
        if not known and wanted:
            raise DataError(
                f"has no item of the interactions: its ids are such as {_shown(self.ids)}, theirs "
                f"such as {_shown(item_ids)}. Name its column of ids with --item-column, or write "
                "both in the same form",
                file=self.name,
            )
        self.of(item_ids)
        warnings = list(self.notes)
        if known < _FEW * wanted:
            missing = pl.Series(item_ids, dtype=pl.String)
            missing = missing.filter(~missing.is_in(self.ids.to_list()))
            warnings.append(
                f"has only {known:,} of the {wanted:,} items; without a row are such as "
                f"{_shown(missing)}"
            )
        return [f"{self.name}: {one}" for one in warnings]


def read_item_table(
    path: Path,
    item_column: str | None = None,
    tags_column: str | None = None,
    encoding: str | None = None,
) -> ItemTable:
    """Read a table of items with a header: text, JSON lines or Parquet.

    One column has the items' ids. A column ``tags``, in any case, has their tags: lists of text, or
    text separated by bars (``jazz|live``). Every other column is an attribute; docs/data.md says
    of which type.

    Args:
        path: the file.
        item_column: the column of ids; None finds it by the names that interactions have it under,
            or ``id``.
        tags_column: the column of tags; None takes the one called ``tags`` in any case.
        encoding: of text that is not UTF-8.

    Raises:
        DataError: the file cannot be read, has no rows, lacks a column, or has an empty id or two
            different rows for one; or a column is of a type that is no attribute, or has an
            infinite number.
    """
    return item_table_of(ItemFile.read(path, encoding), path, item_column, tags_column)


def item_table_of(
    file: ItemFile, path: Path, item_column: str | None = None, tags_column: str | None = None
) -> ItemTable:
    """The table of items in rows that were read; ``path`` is for messages.

    Raises:
        DataError: as ``read_item_table``.
    """
    frame, notes = file.frame, list(file.notes)
    item = _find_ids(frame, item_column, path)
    if not len(frame):
        raise DataError("has no rows", file=path)
    ids = clean_ids(frame[item], "item", str(path))
    blank = ids.is_null().arg_true()
    if len(blank):
        raise DataError(f"the item id is empty ({file.place(blank[0])})", file=path)
    frame, ids, repeated = _without_repeats(file, ids, path)
    if repeated:
        notes.append(f"{repeated:,} rows repeat another row of the same item")
    tags_name = _find_tags(frame.columns, tags_column, item, path)
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


def _find_ids(frame: pl.DataFrame, given: str | None, path: Path) -> str:
    """The column of ids: of those with a common name the first whose values are all different."""
    names = frame.columns
    if given is None:
        for known in (*ITEM_NAMES[:_BEFORE_ID], "id", *ITEM_NAMES[_BEFORE_ID:]):
            for name in names:
                if normalise_name(name) == known and frame[name].drop_nulls().n_unique() == len(
                    frame
                ):
                    return name
    return names[find_item_column(names, given, path)]


def _without_repeats(
    file: ItemFile, ids: pl.Series, path: Path
) -> tuple[pl.DataFrame, pl.Series, int]:
    """The rows, ids and number of rows left out that repeat another one in all their columns."""
    if ids.n_unique() == len(ids):
        return file.frame, ids, 0
    whole = file.frame.with_columns(ids.alias(_ID)).with_row_index(" row")
    distinct = whole.unique(
        [name for name in whole.columns if name != " row"], keep="first", maintain_order=True
    )
    again = distinct.filter(distinct[_ID].is_duplicated())
    if len(again):
        first = again[_ID][0]
        rows = again.filter(again[_ID] == first)[" row"].to_list()
        raise DataError(
            f"has different rows for the item {first!r}: {file.place(rows[0])} and "
            f"{file.place(rows[1])}",
            file=path,
        )
    file.places = file.places[distinct[" row"]]
    return distinct.drop(" row", _ID), distinct[_ID], len(whole) - len(distinct)


def _find_tags(names: Sequence[str], given: str | None, item: str, path: Path) -> str | None:
    if given is not None:
        if given not in names:
            raise DataError(
                f"has no column {given!r} (--tags-column); the columns are {', '.join(names)}"
                f"{did_you_mean(given, names)}",
                file=path,
            )
        return given
    found = [name for name in names if normalise_name(name) == _TAGS_NAME and name != item]
    if len(found) > 1:
        raise DataError(
            f"has several columns of tags: {', '.join(found)}. Name one with --tags-column",
            file=path,
        )
    return found[0] if found else None


def _shown(ids: Sequence[str] | pl.Series) -> str:
    return ", ".join(repr(one) for one in ids[:3])
