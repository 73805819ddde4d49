"""Results as tables: printed, in a notebook, and as a data frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib import import_module
from types import ModuleType
from typing import Any, Final

from bitrecall.errors import MissingExtraError
from bitrecall.tables import aligned

__all__ = ["Table"]

# Longer results are cut where they are shown, and not where they are converted.
_MOST_ROWS: Final = 50


class Table:
    """Base of results that are tables.

    A subclass says what its columns are; printing and converting is the same for all.
    """

    __slots__ = ()

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        """The values of each column, by its name; all of one length."""
        raise NotImplementedError

    def _title(self) -> str:
        """One line about the whole."""
        raise NotImplementedError

    def __repr__(self) -> str:
        columns = self._columns()
        rows, more = _rows(columns)
        numbers = "".join(">" if _is_numeric(values) else "<" for values in columns.values())
        lines = [self._title(), *([aligned(list(columns), rows, right=numbers)] if rows else [])]
        return "\n".join([*lines, *([more] if more else [])])

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        columns = self._columns()
        rows, more = _rows(columns)
        head = "".join(f"<th>{escape(name)}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        return (
            f"<div><p>{escape(self._title())}</p>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            + (f"<p>{escape(more)}</p>" if more else "")
            + "</div>"
        )

    def to_dicts(self) -> list[dict[str, Any]]:
        """A dict per row."""
        columns = self._columns()
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_pandas(self) -> Any:
        """A pandas data frame. Raises ``MissingExtraError`` if pandas is not installed."""
        return _library("pandas", "to_pandas").DataFrame(self._lists())

    def to_polars(self) -> Any:
        """A polars data frame. Raises ``MissingExtraError`` if polars is not installed."""
        return _library("polars", "to_polars").DataFrame(self._lists())

    def to_arrow(self) -> Any:
        """An Arrow table. Raises ``MissingExtraError`` if pyarrow is not installed."""
        return _library("pyarrow", "to_arrow").table(self._lists())

    def _lists(self) -> dict[str, list[Any]]:
        return {name: list(values) for name, values in self._columns().items()}


def _library(name: str, method: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise MissingExtraError(
            f"{method}() needs {name}, which is not installed: pip install {name}", name, name
        ) from error


def _rows(columns: Mapping[str, Sequence[Any]]) -> tuple[list[list[str]], str]:
    """The first rows as text, and a line about those that are left out."""
    total = len(next(iter(columns.values()), ()))
    rows = zip(*(values[:_MOST_ROWS] for values in columns.values()), strict=True)
    left_out = total - _MOST_ROWS
    more = f"… and {left_out:,} more rows" if left_out > 0 else ""
    return [[_cell(value) for value in row] for row in rows], more


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.5f}" if isinstance(value, float) else str(value)


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(value is None or isinstance(value, int | float) for value in values)
