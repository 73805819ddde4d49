"""Tell the item table in a folder from the files of interactions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bitrecall.training.data.columns.column_names import ITEM_NAMES, USER_NAMES, normalise_name
from bitrecall.training.data.items.item_file import column_names
from bitrecall.training.errors import DataError

__all__ = ["find_item_file", "item_files"]


def item_files(files: Sequence[Path]) -> list[Path]:
    """Return the files that have an item column and no user column.

    If no other file has both columns, return nothing: an item table without interactions is a
    mistake that the reader reports.
    """
    columns = {path: {normalise_name(name) for name in column_names(path)} for path in files}
    if not any(names & set(USER_NAMES) and names & set(ITEM_NAMES) for names in columns.values()):
        return []
    return [
        path
        for path, names in columns.items()
        if names & {*ITEM_NAMES, "id"} and not names & set(USER_NAMES)
    ]


def find_item_file(folder: Path) -> Path | None:
    """Find the item table beside the interactions in a folder; None without one.

    Raises:
        DataError: the folder has several.
    """
    if not folder.is_dir():
        return None
    files = sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    tables = item_files(files)
    if len(tables) > 1:
        raise DataError(
            f"has several item tables: {', '.join(path.name for path in tables)}. Name one with "
            "--items",
            file=folder,
        )
    return tables[0] if tables else None
