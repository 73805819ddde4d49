"""Which rows of a source count, and how much: what ``--where`` and its like come to."""

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
from bitrecall.training.data.rows.row_filter import RowFilter
from bitrecall.training.data.rows.row_weights import MAX_WEIGHT, MIN_WEIGHT, Weighting, WeightTally

__all__ = ["RowSelection", "SelectedRows", "column_options", "filter_options", "selection_lines"]

NOT_COMPARED: Final = "not compared"
_PAIR_WEIGHTS: Final = {PairWeight.MAX: "largest", PairWeight.SUM: "sum"}


@dataclass(frozen=True)
class SelectedRows:
    """The rows of a batch that count.

    Attributes:
        rows: bool (rows,), of the batch.
        weights: float64 (chosen,), NaN where ``faults`` says why; None if all count alike.
        faults: by place among the chosen rows, what is wrong with the weight.
    """

    rows: NDArray[np.bool_]
    weights: NDArray[np.float64] | None
    faults: dict[int, str]


class RowSelection:
    """The filters and the weights of one source.

    Args:
        options: ``where``, ``min_rating``, ``rating_column`` and ``weight``.
        names: the columns of the source.
        label: the source, for messages.

    Attributes:
        columns: the names of the columns to read, the source's own.
        left_out: rows that the filters left out so far.
        tally: what the weights came to so far; None without.

    Raises:
        DataError: an expression is not valid, or names a column that is not there.
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
        asked = [name for one in self._filters for name in one.columns]
        if self._weighting is not None:
            asked += self._weighting.columns
        self._found = find_option_columns(names, list(dict.fromkeys(asked)), label)
        self.columns = list(self._found.values())
        self._no_numbers: dict[str, tuple[int, str]] = {}
        self.left_out = 0
        self.tally = None if self._weighting is None else WeightTally()

    def select(self, frame: pl.DataFrame) -> SelectedRows | None:
        """The rows of a batch that count; None if all do, and alike.

        Args:
            frame: has ``columns``.
        """
        if not self._found:
            return None
        asked = frame.select(pl.col(name).alias(wanted) for wanted, name in self._found.items())
        rows = np.ones(len(frame), np.bool_)
        for one in self._filters:
            rows &= one.keep(asked).to_numpy()
            for name in one.numeric:
                self._look_for_text(asked[name])
        self.left_out += int((~rows).sum())
        if self._weighting is None or self.tally is None:
            return SelectedRows(rows, None, {})
        asked = asked.filter(rows)
        given = self._weighting.weights(asked)
        usable = (given == 0) | ((given >= MIN_WEIGHT) & (given <= MAX_WEIGHT))
        cells = asked[self._weighting.column]
        faults = {
            place: self._weighting.fault(given[place], cells[place])
            for place in (~usable.fill_null(value=False)).arg_true()
        }
        weights = given.fill_null(np.nan).to_numpy().copy()
        weights[list(faults)] = np.nan
        good = ~np.isnan(weights)
        self.tally.add(self._weighting, asked.filter(good), weights[good])
        # Of rows left out nothing else has to be right.
        counted = weights != 0
        rows[np.flatnonzero(rows)[~counted]] = False
        places = np.cumsum(counted) - 1
        return SelectedRows(
            rows, weights[counted], {int(places[place]): text for place, text in faults.items()}
        )

    def warnings(self) -> list[str]:
        """What filters could not compare so far, for people."""
        return [
            f"{_values(count, name)}, such as {example!r}, and {'was' if count == 1 else 'were'} "
            f"{NOT_COMPARED}"
            for name, (count, example) in self._no_numbers.items()
        ]

    def _look_for_text(self, column: pl.Series) -> None:
        if column.dtype != pl.String:
            return
        text = column.str.strip_chars()
        odd = text.filter(as_numbers(text).is_null() & ~text.str.to_lowercase().is_in(UNKNOWN))
        if len(odd := odd.drop_nulls()):
            count, example = self._no_numbers.get(column.name, (0, odd[0]))
            self._no_numbers[column.name] = (count + len(odd), example)


def column_options(options: ReadOptions) -> list[str]:
    """The options given that need columns, as they are typed."""
    given = (
        ("--where", options.where),
        ("--min-rating", options.min_rating),
        ("--weight", options.weight),
    )
    return [f"{option} {value!r}" for option, value in given if value is not None]


def filter_options(options: ReadOptions) -> str:
    """The filters given, as they are typed."""
    return " and ".join(one for one in column_options(options) if not one.startswith("--weight"))


def selection_lines(
    options: ReadOptions, left_out: int, tally: WeightTally | None
) -> tuple[str, ...]:
    """What filters and weights did, for people.

    Args:
        options: how the source was read.
        left_out: rows that filters left out.
        tally: what weights came to; None without.
    """
    lines = []
    if filters := filter_options(options):
        lines.append(f"{filters}: {left_out:,} rows left out")
    if options.weight is not None and tally is not None:
        lines += tally.lines(Weighting.parse(options.weight))
        lines.append(
            f"a pair of several rows weighs the {_PAIR_WEIGHTS[options.pair_weight]} of theirs "
            "(--pair-weight)"
        )
    return tuple(lines)


def _values(count: int, name: str) -> str:
    if count == 1:
        return f"1 value of {name} is not a number"
    return f"{count:,} values of {name} are not numbers"
