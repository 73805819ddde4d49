"""Results as tables: printed, shown in a notebook, and converted to a data frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from html import escape
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar, Final

from bitrecall.aligned_text import aligned
from bitrecall.errors import MissingExtraError

__all__ = ["Table"]

# Display is limited to this many rows; conversions have all rows.
_MAX_ROWS: Final = 50


class Table(ABC):
    """Base class of results that are tables.

    A subclass defines the columns and the title; printing and conversion are the same for all.
    """

    __slots__ = ()

    # Type of each column, for results without values; other columns are floats.
    _column_types: ClassVar[Mapping[str, type]]

    @abstractmethod
    def _columns(self) -> Mapping[str, Sequence[Any]]:
        """Return the values of each column by name; all have the same length."""

    @abstractmethod
    def _title(self) -> str:
        """Return one line that describes the result."""

    def __repr__(self) -> str:
        columns = self._columns()
        rows, more = _rows(columns)
        numbers = "".join(">" if _is_numeric(values) else "<" for values in columns.values())
        lines = [
            _one_line(self._title()),
            *([aligned(list(columns), rows, right=numbers)] if rows else []),
        ]
        return "\n".join([*lines, *([more] if more else [])])

    def _repr_html_(self) -> str:
        """Return an HTML table for notebooks."""
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
        """Return one dict per row."""
        columns = self._columns()
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_pandas(self) -> Any:
        """Convert to a pandas data frame.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        frame = _library("pandas", "to_pandas").DataFrame(self._lists())
        # Without values, pandas has no type to infer.
        return frame if len(frame) else frame.astype(self._types())

    def to_polars(self) -> Any:
        """Convert to a polars data frame.

        Raises:
            MissingExtraError: polars is not installed.
        """
        polars = _library("polars", "to_polars")
        return polars.DataFrame(self._lists(), schema_overrides=self._types())

    def to_arrow(self) -> Any:
        """Convert to an Arrow table.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        pyarrow = _library("pyarrow", "to_arrow")
        arrow_types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
        fields = [(name, arrow_types[kind]) for name, kind in self._types().items()]
        return pyarrow.table(self._lists(), schema=pyarrow.schema(fields))

    def _types(self) -> dict[str, type]:
        return {name: self._column_types.get(name, float) for name in self._columns()}

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
    """Return the first rows as text, and a line that counts the omitted ones."""
    total = len(next(iter(columns.values()), ()))
    rows = zip(*(values[:_MAX_ROWS] for values in columns.values()), strict=True)
    omitted = total - _MAX_ROWS
    more = f"… and {omitted:,} more rows" if omitted > 0 else ""
    return [[_cell(value) for value in row] for row in rows], more


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.5f}" if isinstance(value, float) else _one_line(str(value))


def _one_line(text: str) -> str:
    """Return a text with control characters escaped, so that it is safe in a terminal."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _is_numeric(values: Sequence[Any]) -> bool:
    return all(value is None or isinstance(value, int | float) for value in values)
