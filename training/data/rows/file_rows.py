"""State that the readers of files share: the vocabulary of ids and the bad rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.dataset import ColumnUse
from bitrecall.training.data.rows.row_weights import WeightTally
from bitrecall.training.errors import DataError

__all__ = ["BadRows", "FileRows", "Vocabulary", "encode"]

MAX_EXAMPLES = 5


@dataclass
class Vocabulary:
    """Rows of the ids, in the order of their first appearance."""

    users: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)


@dataclass
class BadRows:
    """Invalid rows. The first one raises, unless they are skipped."""

    skip: bool = False
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, error: DataError) -> None:
        """Raise the error, or count it and keep the first few messages."""
        if not self.skip:
            raise error.with_remedy("repair the row, or pass --skip-bad-rows to leave it out")
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(str(error))


@dataclass(frozen=True)
class FileRows:
    """The valid rows of one file, in its order, duplicates included.

    Attributes:
        users: int32 (rows,), rows of the reader's vocabulary.
        items: int32 (rows,), rows of the reader's vocabulary.
        times: float64 (rows,), seconds since 1970-01-01 UTC, or None.
        users_without_items: lines with a user and no item (LightGCN).
        columns: how the columns were read; None for a format without columns.
        notes: decisions made while reading.
        warnings: suspicious content.
        weights: float64 (rows,), above 0, or None.
        left_out: number of rows that the filters left out, valid or not.
        tally: totals of the weights; None without weights.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64] | None = None
    users_without_items: int = 0
    columns: ColumnUse | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    weights: NDArray[np.float64] | None = None
    left_out: int = 0
    tally: WeightTally | None = None


def encode(ids: Iterable[str], rows: dict[str, int]) -> NDArray[np.int32]:
    """Look up the rows of ids, int32 (len,); new ids get the next rows."""
    # len(rows) is read before the insertion, so a new id gets the next free row.
    return np.fromiter((rows.setdefault(name, len(rows)) for name in ids), np.int32)
