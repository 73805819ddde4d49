"""Filter, check and encode the rows of a table, whatever its format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from bitrecall.training.data.columns.column_names import find_columns
from bitrecall.training.data.columns.id_values import clean_ids, id_faults
from bitrecall.training.data.columns.time_values import TimeReader
from bitrecall.training.data.columns.unused_columns import unused_column_hints
from bitrecall.training.data.dataset import ColumnUse
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.rows.file_rows import BadRows, FileRows, Vocabulary, encode
from bitrecall.training.data.rows.row_selection import RowSelection
from bitrecall.training.data.tables.table_source import RowBatch, TableSource
from bitrecall.training.errors import DataError

__all__ = ["encode_rows"]

T = TypeVar("T", bound=np.generic)


def encode_rows(
    source: TableSource, vocabulary: Vocabulary, bad_rows: BadRows, options: ReadOptions
) -> FileRows:
    """Read all rows of a source, and add their ids to the vocabulary in the order of the rows.

    Each batch is filtered, and its ids and times are checked. Only valid rows add ids.

    Raises:
        DataError: a column is missing or has an unsupported type; or a row has an invalid id, time
            or weight, unless bad rows are skipped.
    """
    encoder = _RowEncoder(source, vocabulary, bad_rows, options)
    for batch in source.batches(encoder.names):
        encoder.add(batch)
    return encoder.rows()


class _RowEncoder:
    """Encodes the rows of one source, batch by batch.

    Attributes:
        names: the columns to read.
    """

    def __init__(
        self, source: TableSource, vocabulary: Vocabulary, bad_rows: BadRows, options: ReadOptions
    ) -> None:
        self._source = source
        self._label, self._unit = source.label, source.unit
        self._columns = find_columns(source.names, options, source.label)
        if options.lines_in_order and self._columns.time is not None:
            raise DataError(
                f"has times in column {self._columns.time!r}, and --lines-in-order orders by "
                "lines; omit it to order by time, or add --ignore-times to order by lines",
                file=source.label,
            )
        self._selection = RowSelection(options, source.names, source.label)
        columns = (self._columns.user, self._columns.item, self._columns.time)
        names = [*(name for name in columns if name is not None), *self._selection.columns]
        self.names: list[str] = list(dict.fromkeys(names))
        self._vocabulary = vocabulary
        self._bad_rows = bad_rows
        self._times = TimeReader(options.time_unit, options.time_format)
        self._notes: list[str] = []
        self._header_lines = 0
        self._users: list[NDArray[np.int32]] = []
        self._items: list[NDArray[np.int32]] = []
        self._seconds: list[NDArray[np.float64]] = []
        self._weights: list[NDArray[np.float64]] = []

    def add(self, batch: RowBatch) -> None:
        """Check a batch and encode its valid rows."""
        frame, lines = self._without_headers(batch.frame, batch.lines)
        # Filter first: rows that are left out are not checked.
        selected = self._selection.select(frame)
        weights = None
        if selected is not None:
            frame, lines = frame.filter(selected.rows), lines[selected.rows]
            weights = selected.weights
        reasons: dict[int, str] = {}
        seconds = None
        if self._columns.time is not None:
            seconds, reasons = self._times.read(frame[self._columns.time], self._label)
        users, items = (
            clean_ids(frame[name], role, self._label)
            for role, name in (("user", self._columns.user), ("item", self._columns.item))
        )
        for role, name in (("user", self._columns.user), ("item", self._columns.item)):
            if frame[name].dtype.is_float():
                self._notes.append(
                    f"the {role} column {name} contains integers as floats; 1.0 was read as 1"
                )
        for role, ids in (("item", items), ("user", users)):
            reasons |= id_faults(ids, role)
        if selected is not None:
            reasons |= selected.faults
        self._report(reasons, lines, batch.bad)
        if reasons:
            valid = np.ones(len(frame), bool)
            valid[list(reasons)] = False
            users, items = users.filter(valid), items.filter(valid)
            seconds = None if seconds is None else seconds[valid]
            frame = frame.filter(valid)
            weights = None if weights is None else weights[valid]
        self._users.append(_encode(users, self._vocabulary.users))
        self._items.append(_encode(items, self._vocabulary.items))
        if seconds is not None:
            self._seconds.append(seconds)
        if weights is not None:
            self._selection.count(frame, weights)
            self._weights.append(weights)

    def _without_headers(
        self, frame: pl.DataFrame, lines: NDArray[np.int64]
    ) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Drop lines that repeat the header, as in concatenated files."""
        if self._unit != "line":
            return frame, lines
        is_header = pl.lit(value=True)
        for name in (self._columns.user, self._columns.item):
            if frame[name].dtype != pl.String:
                return frame, lines
            is_header &= pl.col(name).str.strip_chars() == name
        header = frame.select(is_header.fill_null(value=False)).to_series()
        if not header.any():
            return frame, lines
        self._header_lines += int(header.sum())
        return frame.filter(~header), lines[~header.to_numpy()]

    def rows(self) -> FileRows:
        """Return the rows of all batches."""
        return FileRows(
            users=_joined(self._users, np.int32),
            items=_joined(self._items, np.int32),
            times=None if self._columns.time is None else _joined(self._seconds, np.float64),
            columns=ColumnUse(
                user=self._columns.user,
                item=self._columns.item,
                time=self._columns.time,
                times=None if self._columns.time is None else self._times.reading,
                others=tuple(self._selection.columns),
                ignored=tuple(name for name in self._source.names if name not in self.names),
            ),
            notes=(*self._source.notes, *dict.fromkeys(self._notes), *self._header_notes()),
            warnings=(*self._times.warnings(), *self._selection.warnings(), *self._hints()),
            weights=(None if self._selection.tally is None else _joined(self._weights, np.float64)),
            left_out=self._selection.left_out,
            tally=self._selection.tally,
        )

    def _header_notes(self) -> list[str]:
        if not self._header_lines:
            return []
        lines = (
            "1 line repeats" if self._header_lines == 1 else f"{self._header_lines:,} lines repeat"
        )
        return [f"{lines} the header and {'was' if self._header_lines == 1 else 'were'} skipped"]

    def _hints(self) -> list[str]:
        if not set(self._source.names) - set(self.names):
            return []
        return unused_column_hints(
            self._source.sample(), self._columns, frozenset(self._selection.columns)
        )

    def _report(
        self, reasons: dict[int, str], lines: NDArray[np.int64], bad: Sequence[DataError]
    ) -> None:
        """Report the invalid rows of the source and of this stage in the order of lines."""
        if not reasons and not bad:
            return
        errors = [
            *bad,
            *(
                DataError(reason, file=self._label, line=int(lines[row]), unit=self._unit)
                for row, reason in reasons.items()
            ),
        ]
        for error in sorted(errors, key=lambda error: error.line or 0):
            self._bad_rows.add(error)


def _encode(ids: pl.Series, rows: dict[str, int]) -> NDArray[np.int32]:
    distinct = ids.unique(maintain_order=True)
    if len(distinct) * 3 > len(ids):
        return encode(ids.to_list(), rows)
    codes = pl.DataFrame({"id": distinct, "code": encode(distinct.to_list(), rows)})
    return (
        ids.to_frame("id")
        .join(codes, on="id", how="left", maintain_order="left")["code"]
        .to_numpy()
    )


def _joined(parts: list[NDArray[T]], dtype: type[T]) -> NDArray[T]:
    joined = np.concatenate(parts) if parts else np.zeros(0, dtype)
    parts.clear()  # two copies of tens of millions of rows take too much memory
    return joined
