"""Select and weight rows by ``--where``, ``--min-rating`` and ``--weight``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.training.data.columns.column_names import (
    RATING_NAMES,
    find_column,
    find_option_columns,
)
from bitrecall.training.data.columns.comparison import as_numbers
from bitrecall.training.data.items.attribute_columns import UNKNOWN
from bitrecall.training.data.read_options import PairWeight, ReadOptions
from bitrecall.training.data.rows.row_weights import MAX_WEIGHT, MIN_WEIGHT, Weighting, WeightTally
from bitrecall.training.data.rows.where_filter import RowFilter

__all__ = ["RowSelection", "SelectedRows", "column_options", "filter_options", "selection_lines"]

NOT_COMPARED: Final = "not compared"
_PAIR_WEIGHTS: Final = {PairWeight.MAX: "largest", PairWeight.SUM: "sum"}


@dataclass(frozen=True)
class SelectedRows:
    """The selected rows of a batch and their weights.

    Attributes:
        rows: bool (rows,), which rows of the batch are selected.
        weights: float64 (selected,), NaN for a row in ``faults``; None if all are equal.
        faults: what is wrong with a weight, by position among the selected rows.
    """

    rows: NDArray[np.bool_]
    weights: NDArray[np.float64] | None
    faults: dict[int, str]


class RowSelection:
    """Applies the filters and weights to the batches of one source.

    Args:
        options: ``where``, ``min_rating``, ``rating_column`` and ``weight``.
        names: the columns of the source.
        label: the source, for messages.

    Attributes:
        columns: the columns to read, as named in the source.
        left_out: number of rows that the filters have left out.
        tally: totals of the weights so far, without bad rows; None without weights.

    Raises:
        DataError: an expression is invalid, or names a column that does not exist.
    """

    def __init__(
        self, options: ReadOptions, names: Sequence[str], label: str | PathLike[str]
    ) -> None:
        self._filters: list[RowFilter] = []
        if options.where is not None:
            self._filters.append(RowFilter.parse(options.where))
        if options.min_rating is not None:
            column = find_column(names, "rating", options.rating_column, RATING_NAMES, label)
            self._filters.append(RowFilter.at_least(column, options.min_rating))
        self._weighting = None if options.weight is None else Weighting.parse(options.weight)
        requested = [name for row_filter in self._filters for name in row_filter.columns]
        if self._weighting is not None:
            requested += self._weighting.columns
        self._column_of = find_option_columns(names, list(dict.fromkeys(requested)), label)
        self.columns = list(self._column_of.values())
        self._not_numbers: dict[str, tuple[int, str]] = {}
        self.left_out = 0
        self.tally = None if self._weighting is None else WeightTally()

    def select(self, frame: pl.DataFrame) -> SelectedRows | None:
        """Select the rows of a batch; None without filters and weights.

        Args:
            frame: contains ``columns``.
        """
        if not self._column_of:
            return None
        # Expressions name the columns as the options do.
        frame = frame.select(pl.col(column).alias(name) for name, column in self._column_of.items())
        rows = np.ones(len(frame), np.bool_)
        for row_filter in self._filters:
            rows &= row_filter.keep(frame).to_numpy()
            for name in row_filter.numeric:
                self._count_text(frame[name])
        self.left_out += int((~rows).sum())
        if self._weighting is None or self.tally is None:
            return SelectedRows(rows, None, {})
        frame = frame.filter(rows)
        raw_weights = self._weighting.weights(frame)
        valid = (raw_weights == 0) | ((raw_weights >= MIN_WEIGHT) & (raw_weights <= MAX_WEIGHT))
        cells = frame[self._weighting.column]
        faults = {
            row: self._weighting.fault(raw_weights[row], cells[row])
            for row in (~valid.fill_null(value=False)).arg_true()
        }
        weights = raw_weights.fill_null(np.nan).to_numpy().copy()
        weights[list(faults)] = np.nan
        # Rows with a weight of 0 are left out here, so that nothing else in them is checked.
        selected = weights != 0
        self.tally.add(self._weighting, frame.filter(~selected), weights[~selected])
        rows[np.flatnonzero(rows)[~selected]] = False
        positions = np.cumsum(selected) - 1
        return SelectedRows(
            rows, weights[selected], {int(positions[row]): text for row, text in faults.items()}
        )

    def count(self, frame: pl.DataFrame, weights: NDArray[np.float64]) -> None:
        """Add selected rows to the tally, without the bad ones.

        Args:
            frame: the rows, with the source's columns.
            weights: float64 (rows,), above 0.
        """
        if self._weighting is None or self.tally is None:
            return
        column = self._weighting.column
        frame = frame.select(pl.col(self._column_of[column]).alias(column))
        self.tally.add(self._weighting, frame, weights)

    def warnings(self) -> list[str]:
        """Describe the values that the filters could not compare so far."""
        return [
            f"{_values(count, name)}, such as {example!r}, and {'was' if count == 1 else 'were'} "
            f"{NOT_COMPARED}"
            for name, (count, example) in self._not_numbers.items()
        ]

    def _count_text(self, column: pl.Series) -> None:
        """Count the cells of a numeric column that are not numbers."""
        if column.dtype != pl.String:
            return
        text = column.str.strip_chars()
        invalid = text.filter(as_numbers(text).is_null() & ~text.str.to_lowercase().is_in(UNKNOWN))
        if len(invalid := invalid.drop_nulls()):
            count, example = self._not_numbers.get(column.name, (0, invalid[0]))
            self._not_numbers[column.name] = (count + len(invalid), example)


def column_options(options: ReadOptions) -> list[str]:
    """List the options in use that read columns, as typed."""
    options_with_columns = (
        ("--where", options.where),
        ("--min-rating", options.min_rating),
        ("--weight", options.weight),
    )
    return [f"{option} {value!r}" for option, value in options_with_columns if value is not None]


def filter_options(options: ReadOptions) -> str:
    """Return the filters in use, as typed."""
    return " and ".join(
        option for option in column_options(options) if not option.startswith("--weight")
    )


def selection_lines(
    options: ReadOptions, left_out: int, tally: WeightTally | None
) -> tuple[str, ...]:
    """Report what the filters and weights did, in lines for users.

    Args:
        options: how the source was read.
        left_out: number of rows that the filters left out.
        tally: totals of the weights; None without weights.
    """
    lines = []
    if filters := filter_options(options):
        lines.append(f"{filters}: {left_out:,} rows left out")
    if options.weight is not None and tally is not None:
        lines += tally.lines(Weighting.parse(options.weight))
        lines.append(
            f"a pair in several rows has the {_PAIR_WEIGHTS[options.pair_weight]} of their weights "
            "(--pair-weight)"
        )
    return tuple(lines)


def _values(count: int, name: str) -> str:
    if count == 1:
        return f"1 value of {name} is not a number"
    return f"{count:,} values of {name} are not numbers"
