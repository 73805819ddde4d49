"""What every reader of a table yields: batches of rows, with the place of each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.training.errors import DataError

__all__ = ["BATCH_ROWS", "RowBatch", "TableSource"]

BATCH_ROWS: Final = 262_144
"""Rows per batch that readers aim for: memory is bounded by this, not by the file."""


@dataclass(frozen=True)
class RowBatch:
    """Consecutive rows of a source.

    Attributes:
        frame: the columns asked for, under the source's names, one row per good row. Text files
            give text (String); Parquet, JSON and SQL give the types that they have.
        lines: int64 (rows,), the line (or row) in the source, counted from 1, of each row.
        bad: rows of this stretch that could not be read at all, in order.
    """

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    bad: tuple[DataError, ...] = ()


class TableSource(Protocol):
    """A table of interactions that is read in batches.

    Attributes:
        label: the name of the file, or a URL without its password, for messages.
        unit: what a row's place counts: ``line`` or ``row``.
        names: the columns, white space around each name removed.
        notes: what was decided about the source on opening it, for people.
    """

    label: str
    unit: str
    names: list[str]
    notes: tuple[str, ...]

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named columns, a bounded number of rows at a time.

        Raises:
            DataError: the source cannot be read any further.
        """
        ...

    def sample(self) -> pl.DataFrame:
        """The first rows with all columns, at most 200; what they look like is told."""
        ...
