"""Weights of rows, from the values of a column or from a column of numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.training.data.columns.comparison import as_numbers, as_text
from bitrecall.training.data.columns.numbers import parse_finite_number
from bitrecall.training.errors import DataError

__all__ = ["MAX_WEIGHT", "MIN_WEIGHT", "WeightTally", "Weighting"]

MAX_WEIGHT: Final = 1e9
"""Largest weight of a row, so that sums over any number of rows fit a float32."""

MIN_WEIGHT: Final = 1e-9
"""Smallest weight of a row above 0, which a float32 can tell from 0 beside any other weight."""

_WILDCARD: Final = "*"
_MAX_VALUES_SHOWN: Final = 20
_ENTRY: Final = re.compile(
    r"""\s*(?P<value>'(?:[^']|'')*'|"(?:[^"]|"")*"|[^=,'"]+?)\s*=\s*(?P<weight>[^,=]*?)\s*(?:,|$)"""
)


@dataclass(frozen=True)
class Weighting:
    """A rule for the weights of rows.

    Attributes:
        text: the expression.
        column: the column that determines the weight.
        by_value: the weight of each value; None uses the numbers in the column.
        default: the weight of other values.
    """

    text: str
    column: str
    by_value: Mapping[str, float] | None = None
    default: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Weighting:
        """Parse ``COLUMN`` or ``COLUMN:VALUE=WEIGHT,VALUE=WEIGHT,…``.

        ``*`` sets the weight of all other values, which is 0 without it.

        Raises:
            DataError: the text has another form, or a weight is not 0 or a number from
                ``MIN_WEIGHT`` to ``MAX_WEIGHT``.
        """
        name, colon, entries = text.partition(":")
        column = name.strip()
        if not column or (not colon and "=" in column):
            raise _invalid(text, "expected COLUMN, or COLUMN:VALUE=WEIGHT,VALUE=WEIGHT")
        if not colon:
            return cls(text, column)
        weights: dict[str, float] = {}
        start = 0
        while start < len(entries):
            match = _ENTRY.match(entries, start)
            if match is None:
                raise _invalid(text, f"expected VALUE=WEIGHT at {entries[start:].strip()!r}")
            value, weight = _unquoted(match["value"]), parse_finite_number(match["weight"])
            if weight is None or not (weight == 0 or MIN_WEIGHT <= weight <= MAX_WEIGHT):
                raise _invalid(
                    text,
                    f"the weight of {value!r} must be a number, 0 or from {MIN_WEIGHT:.0e} to "
                    f"{MAX_WEIGHT:.0e}, not {match['weight']!r}",
                )
            if value in weights:
                raise _invalid(text, f"{value!r} is listed twice")
            weights[value] = weight
            start = match.end()
        if not any(weights.values()):
            raise _invalid(text, "no value has a weight above 0")
        return cls(text, column, weights, weights.pop(_WILDCARD, 0.0))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to read."""
        return (self.column,)

    def weights(self, frame: pl.DataFrame) -> pl.Series:
        """Return the weight of each row, Float64; null for a cell that is not a finite number.

        Numbers in a column are not checked: they may be negative or too large.

        Args:
            frame: contains the column, of any type.

        Raises:
            DataError: the column's type cannot be compared.
        """
        cells = frame[self.column]
        if self.by_value is None:
            return as_numbers(cells).alias("weight")
        values = as_text(cells)
        weights = values.replace_strict(
            list(self.by_value), list(self.by_value.values()), default=self.default,
            return_dtype=pl.Float64,
        )  # fmt: skip
        return weights.fill_null(self.default).alias("weight")

    def fault(self, weight: float | None, cell: object) -> str:
        """Describe what is wrong with an invalid weight.

        Args:
            weight: of the row; None if its cell is not a finite number.
            cell: its value in the column.
        """
        if weight is None and (cell is None or not str(cell).strip()):
            return f"the weight in column {self.column!r} is missing"
        if weight is None:
            return f"the weight {cell!r} in column {self.column!r} is not a finite number"
        if 0 < weight < MIN_WEIGHT:
            return f"the weight {weight:.15g} in column {self.column!r} is below {MIN_WEIGHT:.0e}"
        if weight < 0:
            return f"the weight {weight:.15g} in column {self.column!r} is negative"
        return f"the weight {weight:.15g} in column {self.column!r} is above {MAX_WEIGHT:.0e}"


@dataclass
class WeightTally:
    """Totals of the weights, over all valid rows.

    Attributes:
        rows: number of rows by value of the column; empty for a column of numbers.
        weights: total weight by value; empty for a column of numbers.
        weighted_rows: number of rows with a weight above 0.
        total_weight: of all rows.
        zero_rows: number of rows with a weight of 0, which are left out.
    """

    rows: Counter[str] = field(default_factory=Counter)
    weights: Counter[str] = field(default_factory=Counter)
    weighted_rows: int = 0
    total_weight: float = 0.0
    zero_rows: int = 0

    def add(self, weighting: Weighting, frame: pl.DataFrame, weights: NDArray[np.float64]) -> None:
        """Count the rows of a batch with valid weights.

        Args:
            weighting: the rule of the weights.
            frame: the rows.
            weights: float64 (rows,), finite and not negative.
        """
        self.weighted_rows += int((weights > 0).sum())
        self.total_weight += float(weights.sum())
        self.zero_rows += int((weights == 0).sum())
        if weighting.by_value is None:
            return
        counted = (
            pl.DataFrame({"value": as_text(frame[weighting.column]).fill_null(""), "w": weights})
            .group_by("value", maintain_order=True)
            .agg(pl.len().alias("rows"), pl.col("w").sum())
        )
        for value, rows, weight in counted.iter_rows():
            # Bounded, so that a column of ids does not fill the memory.
            key = value if value in self.rows or len(self.rows) < 10_000 else "others"
            self.rows[key] += rows
            self.weights[key] += weight

    def merge(self, other: WeightTally) -> None:
        """Add another tally."""
        self.rows.update(other.rows)
        self.weights.update(other.weights)
        self.weighted_rows += other.weighted_rows
        self.total_weight += other.total_weight
        self.zero_rows += other.zero_rows

    def lines(self, weighting: Weighting) -> list[str]:
        """Report the totals, in lines for users."""
        lines = [
            f"weights by {weighting.column}: {self.weighted_rows:,} rows, "
            f"total weight {self.total_weight:,.6g}"
        ]
        if weighting.by_value is None:
            if self.zero_rows:
                lines.append(f"{self.zero_rows:,} rows with a weight of 0 are left out")
            return lines
        shown = self.rows.most_common(_MAX_VALUES_SHOWN)
        lines += [
            f"  {_value_label(value)}: {rows:,} rows, total weight {self.weights[value]:,.6g}"
            + ("" if self.weights[value] else ", left out")
            + ("" if value in weighting.by_value else " (not listed in --weight)")
            for value, rows in shown
        ]
        if len(self.rows) > _MAX_VALUES_SHOWN:
            lines.append(f"  and {len(self.rows) - _MAX_VALUES_SHOWN:,} other values")
        absent = [value for value in weighting.by_value if value not in self.rows]
        if absent:
            lines.append(f"warning: no row has {', '.join(map(repr, absent))} (--weight)")
        return lines


def _value_label(value: str) -> str:
    return repr(value) if value else "missing"


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"'):
        return value[1:-1].replace(value[0] * 2, value[0]).strip()
    return value


def _invalid(text: str, problem: str) -> DataError:
    return DataError(f"invalid --weight {text!r}: {problem}")
