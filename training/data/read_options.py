"""Options for reading and splitting a data set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from bitrecall.training.errors import DataError

__all__ = ["Format", "PairWeight", "ReadOptions", "Split", "TimeUnit"]


class Format(StrEnum):
    """Format of a file; ``auto`` detects it from the content and the name."""

    AUTO = "auto"
    LIGHTGCN = "lightgcn"
    TABLE = "table"
    JSON = "json"
    PARQUET = "parquet"
    RECBOLE = "recbole"


class PairWeight(StrEnum):
    """Weight of a pair that occurs in several rows: the largest row weight, or their sum."""

    MAX = "max"
    SUM = "sum"


class Split(StrEnum):
    """What is held out for the test.

    ``auto`` uses the train and test files of a folder that has both. Otherwise it splits by time,
    by the order of each user's lines (``latest``), or at random if neither is known. ``none``
    trains on everything. All but ``given`` first merge train and test files.
    """

    AUTO = "auto"
    GIVEN = "given"
    TIME = "time"
    LATEST = "latest"
    RANDOM = "random"
    NONE = "none"


class TimeUnit(StrEnum):
    """Unit of numeric times; ``auto`` detects it from their magnitude, see ``time_units``."""

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
            f"unknown --encoding {name!r}; common encodings are utf-8, latin-1, cp1252, utf-16, "
            "gb18030, shift_jis"
        ) from None


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How to read a data set.

    Attributes:
        format: format of every file.
        user_column: name of the user column; None looks for a common name.
        item_column: name of the item column; None looks for a common name.
        time_column: name of the time column; None looks for a common name. Files without such a
            column have no times.
        use_times: False ignores the time column and any errors in it.
        lines_in_order: whether the order of a user's lines, and of the items on a line of LightGCN
            text, is that of the interactions; for data without times.
        columns: names of all columns, for a table without a header.
        time_unit: unit of numeric times.
        time_format: format of times, as for ``strptime``; None reads numbers and ISO 8601.
        delimiter: one or more characters between the fields of a table; None detects it.
        encoding: encoding of text files; None uses the byte-order mark, or UTF-8 without one.
        where: expression that rows must meet (``where_filter``); None keeps all rows.
        min_rating: lowest rating to keep; None keeps all.
        rating_column: name of the rating column; None looks for a common name.
        weight: weights of rows (``row_weights``); None weights all alike.
        pair_weight: weight of a pair that occurs in several rows, with ``weight``.
        query: SQL query that reads from a database.
        split: what is held out for the test.
        test_fraction: share of the interactions that ``time``, ``latest`` and ``random`` hold out.
        seed: seed of the splits ``latest`` and ``random``.
        skip_bad_rows: leave out and count bad rows instead of raising at the first one.

    Raises:
        DataError: the value of an option is not valid.
    """

    format: Format = Format.AUTO
    user_column: str | None = None
    item_column: str | None = None
    time_column: str | None = None
    use_times: bool = True
    lines_in_order: bool = False
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
            raise DataError(
                f"invalid --delimiter {self.delimiter!r}: expected one or more characters, without "
                "double quotes, line ends and NUL"
            )
        if self.encoding is not None:
            _check_encoding(self.encoding)
        if self.time_format is not None and "%" not in self.time_format:
            raise DataError(
                f"invalid --time-format {self.time_format!r}: expected a format such as "
                "'%d/%m/%Y %H:%M'"
            )
        if self.min_rating is not None and not math.isfinite(self.min_rating):
            raise DataError(f"--min-rating must be a finite number, not {self.min_rating}")
        if self.rating_column is not None and self.min_rating is None:
            raise DataError(
                "--rating-column needs --min-rating; to weight rows by a column, use --weight NAME"
            )
        if self.columns is not None and len(self.columns) < 2:
            raise DataError("--columns must name at least a user column and an item column")
        if self.time_column is not None and not self.use_times:
            raise DataError(
                f"--time-column {self.time_column!r} has no effect if times are ignored; omit one "
                "of the two options"
            )
        if self.time_column is not None and self.lines_in_order:
            raise DataError(
                f"--time-column {self.time_column!r} orders interactions by time, and "
                "--lines-in-order by their lines; omit one of the two options"
            )
