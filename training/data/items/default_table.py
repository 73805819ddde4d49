"""Find the item table of a data set."""

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
    requested: Path | None,
    item_column: str | None = None,
    tags_column: str | None = None,
    encoding: str | None = None,
) -> ItemTable | None:
    """Read the requested item table, else the sample's, else the one in a folder of the data.

    Args:
        data: the training data: files, folders, the word ``sample``, or nothing.
        requested: the file of the item table; None looks for one.
        item_column: as in `read_item_table`.
        tags_column: as in `read_item_table`.
        encoding: as in `read_item_table`.

    Returns:
        The table; None if none was requested and the data has none.

    Raises:
        DataError: the table cannot be read, or several folders have one.
    """
    if requested is not None:
        return read_item_table(requested, item_column, tags_column, encoding)
    if [str(path) for path in data] == ["sample"]:
        return sample_items()
    tables = [table for path in data if (table := find_item_file(path)) is not None]
    if len(tables) > 1:
        raise DataError(
            f"the data has several item tables: {', '.join(map(str, tables))}. Name one with "
            "--items"
        )
    return read_item_table(tables[0], item_column, tags_column, encoding) if tables else None
