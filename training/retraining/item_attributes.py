"""Tags and attributes of items, carried from one release to the next."""

from __future__ import annotations

import numpy as np
import polars as pl

from bitrecall.index.releases.attributes import ItemAttributes
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.training.data.items.item_table import ItemTable


def table_of(release: Release) -> ItemTable | None:
    """A release's tags and attributes as an item table; None if it has none."""
    attributes = release.attributes
    if not len(attributes.tags) and not attributes.number_names and not attributes.text_names:
        return None
    rows = range(release.n_items)
    ids = pl.Series("item_id", release.items.ids_of(rows), dtype=pl.String)
    columns: dict[str, pl.Series] = {}
    for name, numbers in zip(attributes.number_names, attributes.numbers, strict=True):
        columns[name] = pl.Series(name, np.asarray(numbers), dtype=pl.Float64).fill_nan(None)
    texts = [*attributes.values.ids_of(range(len(attributes.values))), None]
    for name, values in zip(attributes.text_names, attributes.texts, strict=True):
        columns[name] = pl.Series(name, [texts[value] for value in values], dtype=pl.String)
    tags: list[list[str]] = [[] for _ in rows]
    for number, tag in enumerate(attributes.tags.ids_of(range(len(attributes.tags)))):
        for row in attributes.tagged[number]:
            tags[row].append(tag)
    tagged = pl.Series("tags", tags, dtype=pl.List(pl.String))
    return ItemTable(f"release {release.id}", ids, tagged, pl.DataFrame(columns))


def count_described(table: ItemTable) -> int:
    """How many items of a table have a tag or a known attribute."""
    described = np.zeros(len(table), np.bool_)
    if table.tags is not None:
        described |= (table.tags.list.len().fill_null(0) > 0).to_numpy()
    for column in table.columns:
        described |= column.is_not_null().to_numpy()
    return int(described.sum())


def changed_attributes(release: Release, table: ItemTable) -> ItemAttributes | None:
    """A table's attributes of a release's items; None if they are those of the release."""
    attributes = table.attributes_of(release.items.ids_of(np.arange(release.n_items)))
    current = release.attributes
    if (attributes.number_names, attributes.text_names) != (
        current.number_names,
        current.text_names,
    ):
        return attributes
    before = current.arrays()
    same = all(
        np.array_equal(array, before[name], equal_nan=array.dtype.kind == "f")
        for name, array in attributes.arrays().items()
    )
    return None if same else attributes


def with_attributes(release: Release, attributes: ItemAttributes) -> ReleaseContents:
    """The contents of a release with other tags and attributes."""
    manifest = release.manifest
    return ReleaseContents(
        item_codes=release.item_codes,
        user_embeddings=release.user_embeddings,
        fold_in_messages=release.fold_in_messages,
        seen=RowLists(release.seen.indptr, release.seen.rows),
        user_ids=release.users.ids_of(np.arange(release.n_users)),
        item_ids=release.items.ids_of(np.arange(release.n_items)),
        popularity=release.popularity,
        data=manifest.data,
        recipe=manifest.recipe,
        code_version=manifest.code_version,
        attributes=attributes,
        backend=manifest.backend,
        backend_parameters=manifest.backend_parameters,
        seen_weights=release.seen_weights,
        seen_ages=release.seen_ages,
        recency=release.recency,
        seen_counts=release.seen_counts,
        seen_decayed=release.seen_decayed,
        repeats=release.repeats,
    )
