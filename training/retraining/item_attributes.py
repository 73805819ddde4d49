"""What is known of items, carried from one release to the next."""

from __future__ import annotations

import numpy as np
import polars as pl

from bitrecall.index.releases.release import Release
from bitrecall.training.data.items.item_table import ItemTable


def table_of(release: Release) -> ItemTable | None:
    """The table of items that a release's tags and attributes came from; None without any."""
    known = release.attributes
    if not len(known.tags) and not known.number_names and not known.text_names:
        return None
    rows = range(release.n_items)
    ids = pl.Series("item_id", release.items.ids_of(rows), dtype=pl.String)
    columns: dict[str, pl.Series] = {}
    for name, numbers in zip(known.number_names, known.numbers, strict=True):
        columns[name] = pl.Series(name, np.asarray(numbers), dtype=pl.Float64).fill_nan(None)
    texts = [*known.values.ids_of(range(len(known.values))), None]
    for name, values in zip(known.text_names, known.texts, strict=True):
        columns[name] = pl.Series(name, [texts[value] for value in values], dtype=pl.String)
    tags: list[list[str]] = [[] for _ in rows]
    for number, tag in enumerate(known.tags.ids_of(range(len(known.tags)))):
        for row in known.tagged[number]:
            tags[row].append(tag)
    tagged = pl.Series("tags", tags, dtype=pl.List(pl.String))
    return ItemTable(f"release {release.id}", ids, tagged, pl.DataFrame(columns))


def count_described(table: ItemTable) -> int:
    """How many items of a table have a tag or an attribute that is known."""
    known = np.zeros(len(table), np.bool_)
    if table.tags is not None:
        known |= (table.tags.list.len().fill_null(0) > 0).to_numpy()
    for column in table.columns:
        known |= column.is_not_null().to_numpy()
    return int(known.sum())
