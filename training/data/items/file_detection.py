"""Which of the files in a folder hold interactions, and which a table of items."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bitrecall.training.data.columns.column_names import ITEM_NAMES, USER_NAMES, normalise_name
from bitrecall.training.data.items.item_file import column_names
from bitrecall.training.errors import DataError

__all__ = ["find_item_file", "item_files"]


def item_files(files: Sequence[Path]) -> list[Path]:
    """Those of the files that have a column of items and none of users.

    Only beside a file that has both: on its own, a table of items is a mistake to be told of.
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
    """The table of items beside the interactions of a folder; None if there is none.

    Raises:
        DataError: there are several.
    """
    if not folder.is_dir():
        return None
    files = sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    found = item_files(files)
    if len(found) > 1:
        raise DataError(
            f"has several tables of items: {', '.join(path.name for path in found)}. Name one with "
            "--items",
            file=folder,
        )
    return found[0] if found else None
