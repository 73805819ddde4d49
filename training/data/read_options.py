"""What a person may say about how a data set is to be read and split."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from bitrecall.training.errors import DataError

__all__ = ["Format", "PairWeight", "ReadOptions", "Split", "TimeUnit"]


class Format(StrEnum):
    """How a file holds interactions; `auto` goes by its name and first line."""

    AUTO = "auto"
    LIGHTGCN = "lightgcn"
    TABLE = "table"
    JSON = "json"
    PARQUET = "parquet"
    RECBOLE = "recbole"


class PairWeight(StrEnum):
    """What a pair weighs that several rows have: the largest of their weights, or the sum."""

    MAX = "max"
    SUM = "sum"


class Split(StrEnum):
    """What is held out for the test.

    `auto` takes the given split of a folder with train and test files; for anything else it
    splits by time where there are times and at random where there are none. `none` trains on
    everything. `time`, `random` and `none` pool the files of a given split first.
    """

    AUTO = "auto"
    GIVEN = "given"
    TIME = "time"
    RANDOM = "random"
    NONE = "none"


class TimeUnit(StrEnum):
    """The unit of times given as numbers; `auto` goes by their magnitude, see `times.py`."""

    AUTO = "auto"
    SECONDS = "s"
    MILLISECONDS = "ms"
    MICROSECONDS = "us"
    NANOSECONDS = "ns"


def _check_encoding(name: str) -> None:
    try:
        "a".encode(name)
    except (LookupError, UnicodeError, TypeError):
        raise DataError(
            f"--encoding {name!r} is unknown; common ones are utf-8, latin-1, cp1252, utf-16, "
            "gb18030, shift_jis"
        ) from None


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How to read a data set.

    Attributes:
        format: of every file; by name and first line where `auto`.
        user_column: of a table or a `.inter` file; one of the common names where None.
        item_column: likewise.
        time_column: likewise; a file without one has no times.
        use_times: False ignores the time column, and with it whatever is wrong in it.
        columns: the names of a table's columns, for a file without a header.
        time_unit: of times given as numbers.
        time_format: how times are written, as for ``strptime``; None reads numbers and ISO 8601.
        delimiter: between the fields of a table, one or more characters; found if None.
        encoding: of text; None takes UTF-8, or what a byte-order mark says.
        where: an expression on columns that rows must meet (`row_filter`), None for all rows.
        min_rating: lowest rating that counts, None for all.
        rating_column: where ratings are; one of the common names if None.
        weight: how much rows count (`weighting`), None counts all alike.
        pair_weight: what a pair weighs that several rows have, with ``weight``.
        query: what to read from a database.
        split: what is held out for the test.
        test_fraction: the part of the interactions that `time` and `random` hold out.
        seed: of the random split.
        skip_bad_rows: leave bad rows out and count them, where the first would raise.

    Raises:
        DataError: an option has a value that makes no sense.
    """

    format: Format = Format.AUTO
    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    use_times: bool = True
    columns: tuple[str, ...] | None = None
    time_unit: TimeUnit = TimeUnit.AUTO
    time_format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    where: str | None = None
    min_rating: float | None = None
    rating_column: str | None = None
    weight: str | None = None
    pair_weight: PairWeight = PairWeight.MAX
    query: str | None = None
    split: Split = Split.AUTO
    test_fraction: float = 0.2
    seed: int = 0
    skip_bad_rows: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.test_fraction < 1:
            raise DataError(f"the test fraction must lie between 0 and 1, not {self.test_fraction}")
        if self.seed < 0:
            raise DataError(f"a seed must be 0 or more, not {self.seed}")
        if self.delimiter is not None and (
            not self.delimiter or any(letter in '"\r\n\0' for letter in self.delimiter)
        ):
            raise DataError(f"--delimiter cannot be {self.delimiter!r}")
        if self.encoding is not None:
            _check_encoding(self.encoding)
        if self.time_format is not None and "%" not in self.time_format:
            raise DataError(
                f"--time-format is a form such as '%d/%m/%Y %H:%M', not {self.time_format!r}"
            )
        if self.min_rating is not None and not math.isfinite(self.min_rating):
            raise DataError(f"--min-rating must be a finite number, not {self.min_rating}")
        if self.rating_column is not None and self.min_rating is None:
            raise DataError(
                "--rating-column is read for --min-rating only; --weight NAME weighs rows by a "
                "column"
            )
        if self.columns is not None and len(self.columns) < 2:
            raise DataError("the columns must name at least the columns of user and item")
        if self.time_column is not None and not self.use_times:
            raise DataError(f"times cannot be both ignored and read from {self.time_column!r}")
