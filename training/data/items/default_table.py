"""Which table of items goes with a data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bitrecall.training.data.items.file_detection import find_item_file
from bitrecall.training.data.items.item_table import ItemTable, read_item_table
from bitrecall.training.data.sample import sample_items
from bitrecall.training.errors import DataError

__all__ = ["default_item_table"]


def default_item_table(
    data: Sequence[Path],
    given: Path | None,
    item_column: str | None = None,
    tags_column: str | None = None,
    encoding: str | None = None,
) -> ItemTable | None:
    """The table given, else the sample's for the sample, else the one in the folder of the data.

    Args:
        data: what is trained on: files, folders, the word ``sample``, or nothing.
        given: a table of items.
        item_column: as `read_item_table`.
        tags_column: as `read_item_table`.
        encoding: as `read_item_table`.

    Raises:
        DataError: the table cannot be read, or several folders have one.
    """
    if given is None and [str(path) for path in data] == ["sample"]:
        return sample_items()
    if given is None:
        found = [table for path in data if (table := find_item_file(path)) is not None]
        if len(found) > 1:
            raise DataError(
                f"there are several tables of items: {', '.join(map(str, found))}. Name one with "
                "--items"
            )
        given = found[0] if found else None
    if given is None:
        return None
    return read_item_table(given, item_column, tags_column, encoding)
