"""The interface of table readers: batches of rows with their line or row numbers."""

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
"""Target number of rows per batch. It bounds the memory use, whatever the size of the file."""


@dataclass(frozen=True)
class RowBatch:
    """Consecutive rows of a source.

    Attributes:
        frame: the requested columns, under their names in the source, one row per valid row. Text
            files have text (String); Parquet, JSON and SQL keep their types.
        lines: int64 (rows,), line or row number of each row in the source, counted from 1.
        bad: errors of the rows of this batch that could not be read, in order.
    """

    frame: pl.DataFrame
    lines: NDArray[np.int64]
    bad: tuple[DataError, ...] = ()


class TableSource(Protocol):
    """A table of interactions that is read in batches.

    Attributes:
        label: path of the file, or URL without its password, for messages.
        unit: unit of the numbers in ``RowBatch.lines``: ``line``, ``row`` or ``record``.
        names: names of the columns, without surrounding white space.
        notes: decisions made on opening the source, for the report.
    """

    label: str
    unit: str
    names: list[str]
    notes: tuple[str, ...]

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named columns in batches of bounded size.

        Raises:
            DataError: reading fails.
        """
        ...

    def sample(self) -> pl.DataFrame:
        """Return at most 200 of the first rows, with all columns, for warnings."""
        ...
