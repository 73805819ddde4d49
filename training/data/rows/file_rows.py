"""What the readers share: one vocabulary for all files, and the bad rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.dataset import ColumnUse
from bitrecall.training.data.rows.row_weights import WeightTally
from bitrecall.training.errors import DataError

__all__ = ["BadRows", "FileRows", "Vocabulary", "encode"]

KEPT_EXAMPLES = 5


@dataclass
class Vocabulary:
    """Ids to rows, in the order of their first appearance."""

    users: dict[str, int] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)


@dataclass
class BadRows:
    """Rows that could not be read: the first one raises, unless they are to be skipped."""

    skip: bool = False
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, error: DataError) -> None:
        """Raise the error, or count it and keep the first few messages."""
        if not self.skip:
            raise error
        self.count += 1
        if len(self.examples) < KEPT_EXAMPLES:
            self.examples.append(str(error))


@dataclass(frozen=True)
class FileRows:
    """The good rows of one file, in its order, duplicates included.

    Attributes:
        users: int32 (rows,), rows of the vocabulary that was given to the reader.
        items: int32 (rows,).
        times: float64 (rows,), seconds since 1970-01-01 UTC, or None.
        users_without_items: lines of a user and nothing else (LightGCN).
        columns: which columns were read as what; None without columns.
        notes: what was decided on reading.
        warnings: what is suspicious.
        weights: float64 (rows,), above 0, or None.
        left_out: rows that a filter left out, good or not.
        tally: what weights came to, None without.
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
    """Rows of the ids, int32 (len,); ids not seen before get the next rows."""
    # len(rows) is read before the insertion, so a new id gets the next free row.
    return np.fromiter((rows.setdefault(one, len(rows)) for one in ids), np.int32)
