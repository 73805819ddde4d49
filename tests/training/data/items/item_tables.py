"""Helpers of the tests of item tables."""

from pathlib import Path
from typing import Any

from bitrecall.training.data.items.item_table import ItemTable


def known(table: ItemTable, *ids: str) -> list[tuple[list[str], dict[str, Any]]]:
    """Return tags and attributes of items, as a release has them."""
    attributes = table.attributes_of(ids)
    return [(attributes.tags_of(row), attributes.columns_of(row)) for row in range(len(ids))]


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path
