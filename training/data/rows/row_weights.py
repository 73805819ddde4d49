"""How much a row counts: by a mapping of a column's values, or by a column of numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.training.data.columns.comparison import as_numbers, as_text, parse_finite_number
from bitrecall.training.errors import DataError

__all__ = ["MAX_WEIGHT", "MIN_WEIGHT", "WeightTally", "Weighting"]

MAX_WEIGHT: Final = 1e9
"""Largest weight of a row. Sums of any number of rows then fit a float32."""

MIN_WEIGHT: Final = 1e-9
"""Smallest weight of a row above 0: a float32 tells it from 0, beside any other weight."""

_OTHERS: Final = "*"
_SHOWN: Final = 20
_ENTRY: Final = re.compile(
    r"""\s*(?P<value>'(?:[^']|'')*'|"(?:[^"]|"")*"|[^=,'"]+?)\s*=\s*(?P<weight>[^,=]*?)\s*(?:,|$)"""
)


@dataclass(frozen=True)
class Weighting:
    """Weights of rows.

    Attributes:
        text: as it was written.
        column: the column that decides.
        by_value: the weight of each value; None takes the column's own numbers.
        others: the weight of values that are not listed.
    """

    text: str
    column: str
    by_value: Mapping[str, float] | None = None
    others: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Weighting:
        """Parse ``COLUMN`` or ``COLUMN:VALUE=WEIGHT,VALUE=WEIGHT,…``.

        ``*`` stands for all values that are not listed, which weigh 0 without it.

        Raises:
            DataError: the text is of neither form, or a weight is no number of 0 or more.
        """
        name, mapped, entries = text.partition(":")
        column = name.strip()
        if not column or (not mapped and "=" in column):
            raise _invalid(text, "expected COLUMN, or COLUMN:VALUE=WEIGHT,VALUE=WEIGHT")
        if not mapped:
            return cls(text, column)
        weights: dict[str, float] = {}
        place = 0
        while place < len(entries):
            match = _ENTRY.match(entries, place)
            if match is None:
                raise _invalid(text, f"expected VALUE=WEIGHT at {entries[place:].strip()!r}")
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
            place = match.end()
        if not any(weights.values()):
            raise _invalid(text, "no value has a weight above 0")
        return cls(text, column, weights, weights.pop(_OTHERS, 0.0))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        return (self.column,)

    def weights(self, frame: pl.DataFrame) -> pl.Series:
        """The weight of each row: Float64, null if the cell is missing or no finite number.

        Numbers of a column are as they are there: they may be negative or too large.

        Args:
            frame: has the column, of any type.

        Raises:
            DataError: the column has a type without numbers or texts.
        """
        cells = frame[self.column]
        if self.by_value is None:
            return as_numbers(cells).alias("weight")
        values = as_text(cells)
        weights = values.replace_strict(
            list(self.by_value), list(self.by_value.values()), default=self.others,
            return_dtype=pl.Float64,
        )  # fmt: skip
        return weights.fill_null(self.others).alias("weight")

    def fault(self, weight: float | None, cell: object) -> str:
        """What is wrong with the weight of a row that cannot be used.

        Args:
            weight: of the row; None if its cell holds none.
            cell: what the column has there.
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
    """What weights came to, over all rows that were weighed.

    Attributes:
        rows: how many rows each value of the column had; of a column of numbers, none are kept.
        weights: their total weight, by value.
        weighed: rows with a weight above 0.
        total: their total weight.
        without: rows with a weight of 0, which are left out.
    """

    rows: Counter[str] = field(default_factory=Counter)
    weights: Counter[str] = field(default_factory=Counter)
    weighed: int = 0
    total: float = 0.0
    without: int = 0

    def add(self, weighting: Weighting, frame: pl.DataFrame, weights: NDArray[np.float64]) -> None:
        """Count the rows of a batch whose weights can be used.

        Args:
            weighting: what the weights are from.
            frame: the rows.
            weights: float64 (rows,), finite and not negative.
        """
        self.weighed += int((weights > 0).sum())
        self.total += float(weights.sum())
        self.without += int((weights == 0).sum())
        if weighting.by_value is None:
            return
        counted = (
            pl.DataFrame({"value": as_text(frame[weighting.column]).fill_null(""), "w": weights})
            .group_by("value", maintain_order=True)
            .agg(pl.len().alias("rows"), pl.col("w").sum())
        )
        for value, rows, weight in counted.iter_rows():
            # Bounded: a column of ids must not fill the memory.
            key = value if value in self.rows or len(self.rows) < 10_000 else "others"
            self.rows[key] += rows
            self.weights[key] += weight

    def merge(self, other: WeightTally) -> None:
        """Add what another one counted."""
        self.rows.update(other.rows)
        self.weights.update(other.weights)
        self.weighed += other.weighed
        self.total += other.total
        self.without += other.without

    def lines(self, weighting: Weighting) -> list[str]:
        """What to tell a person, a line for each fact."""
        told = [f"weights by {weighting.column}: {self.weighed:,} rows weigh {self.total:,.6g}"]
        if weighting.by_value is None:
            if self.without:
                told.append(f"{self.without:,} rows with a weight of 0 are left out")
            return told
        shown = self.rows.most_common(_SHOWN)
        told += [
            f"  {_named(value)}: {rows:,} rows weigh {self.weights[value]:,.6g}"
            + ("" if self.weights[value] else ", left out")
            + ("" if value in weighting.by_value else " (not listed in --weight)")
            for value, rows in shown
        ]
        if len(self.rows) > _SHOWN:
            told.append(f"  and {len(self.rows) - _SHOWN:,} other values")
        absent = [value for value in weighting.by_value if value not in self.rows]
        if absent:
            told.append(f"warning: no row has {', '.join(map(repr, absent))} (--weight)")
        return told


def _named(value: str) -> str:
    return repr(value) if value else "missing"


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"'):
        return value[1:-1].replace(value[0] * 2, value[0]).strip()
    return value


def _invalid(text: str, problem: str) -> DataError:
    return DataError(f"invalid --weight {text!r}: {problem}")
