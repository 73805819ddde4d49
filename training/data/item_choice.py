"""Which table of items goes with a data set."""

from __future__ import annotations

from pathlib import Path

from training.data.item_table import ItemTable, read_item_table
from training.data.roles import find_item_file
from training.data.sample import sample_items

__all__ = ["item_table_for"]


def item_table_for(
    data: Path | None,
    given: Path | None,
    item_column: str | None = None,
    tags_column: str | None = None,
) -> ItemTable | None:
    """The table given, else the sample's for the sample, else the one in the folder of the data.

    Args:
        data: what is trained on: a file, a folder, the word ``sample``, or nothing.
        given: a table of items.
        item_column: as `read_item_table`.
        tags_column: as `read_item_table`.

    Raises:
        DataError: the table cannot be read.
    """
    if given is None and str(data) == "sample":
        return sample_items()
    if given is None and data is not None:
        given = find_item_file(data)
    return None if given is None else read_item_table(given, item_column, tags_column)
