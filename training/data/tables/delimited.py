"""Delimited text: batches of rows, each with the line that it starts on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import polars as pl

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.tables.csv_records import (
    UNIT_SEPARATOR,
    RecordLines,
    parse_records,
    read_records,
)
from bitrecall.training.data.tables.table_source import BATCH_ROWS, RowBatch
from bitrecall.training.errors import DataError

__all__ = ["DelimitedSource"]


class DelimitedSource:
    """A delimited text file.

    If quotes count, a field in double quotes may hold the delimiter, line ends, and quotes
    written twice. After a record that cannot be read, reading goes on at the line after the one
    on which that record starts, so that a quote that is never closed costs one line.

    Args:
        text: the file.
        names: the columns, all of them, in order.
        delimiter: one or more characters between the fields.
        quotes: whether double quotes mean anything.
        skip: how many lines come before the first row.
        notes: what was decided about the file, for people.
    """

    unit = "line"

    def __init__(
        self,
        text: TextFile,
        names: Sequence[str],
        delimiter: str,
        *,
        quotes: bool,
        skip: int,
        notes: Sequence[str] = (),
    ) -> None:
        self.label = str(text.path)
        self.names = [name.strip() for name in names]
        self.notes = tuple(notes)
        self._text = text
        self._path = text.path
        self._delimiter = delimiter
        self._quotes = quotes
        self._skip = skip

    def batches(self, names: Sequence[str]) -> Iterator[RowBatch]:
        """Read the named columns, a block of text at a time.

        Raises:
            DataError: the file cannot be read.
        """
        places = [self.names.index(name) for name in names]
        rest = self._text.blocks()
        skip, line = self._skip, 1
        for block in rest:
            if skip:
                dropped = _after_lines(block, skip)
                skip -= block.count(b"\n", 0, dropped)
                line += block.count(b"\n", 0, dropped)
                block = block[dropped:]
                if not block:
                    continue
            frame = self._whole(block, places, names)
            if frame is not None:
                yield RowBatch(frame, np.arange(line, line + len(frame), dtype=np.int64))
                line += len(frame)
                continue
            lines = RecordLines(block, rest, line)
            yield from self._by_record(lines, places, names)
            line = lines.first

    def sample(self) -> pl.DataFrame:
        """The first rows with all columns, as text."""
        lines = self._text.head_lines[self._skip :]
        content = ("\n".join(lines) + "\n").encode(errors="surrogateescape")
        found = parse_records([content], None, self._delimiter, quotes=self._quotes, bad=[])
        rows = [row for _, row in islice(found, 200) if len(row) == len(self.names)]
        columns: dict[str, pl.Series] = {}
        for place, name in enumerate(self.names):
            values = [row[place].encode(errors="replace").decode() for row in rows]
            columns.setdefault(name, pl.Series(name, values, pl.String))
        return pl.DataFrame(list(columns.values()))

    def _whole(self, block: bytes, places: list[int], names: Sequence[str]) -> pl.DataFrame | None:
        """The rows of a block if each line is one good record without quotes, else None.

        Polars fills up short rows and cuts long ones, so each line's fields are counted first.
        """
        delimiter = self._delimiter.encode()
        if len(delimiter) > 1:
            if UNIT_SEPARATOR.encode() in block:
                return None
            block = block.replace(delimiter, UNIT_SEPARATOR.encode())
            delimiter = UNIT_SEPARATOR.encode()
        if (
            b"\0" in block
            or (self._quotes and b'"' in block)
            or block.count(b"\r") != block.count(b"\r\n")
            or len(self.names) == 1  # its blank lines would be rows
        ):
            return None
        content = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(content == ord("\n"))
        if not block.endswith(b"\n"):
            ends = np.append(ends, len(content))
        marks = np.flatnonzero(content == delimiter[0])
        if len(marks) != len(ends) * (len(self.names) - 1):
            return None
        by_line = marks.reshape(len(ends), -1)
        if (by_line[:, -1] > ends).any() or (by_line[1:, 0] < ends[:-1]).any():
            return None
        try:
            frame = pl.read_csv(
                block,
                has_header=False,
                separator=delimiter.decode(),
                quote_char=None,
                infer_schema=False,
                empty_string_is_null=False,
                columns=sorted(set(places)),
            )
        except pl.exceptions.PolarsError:
            return None  # not UTF-8: found line by line
        if len(frame) != len(ends):
            return None
        by_place = dict(zip(sorted(set(places)), frame.get_columns(), strict=True))
        return pl.DataFrame(
            [by_place[place].alias(name) for place, name in zip(places, names, strict=True)]
        )

    def _by_record(
        self, lines: RecordLines, places: list[int], names: Sequence[str]
    ) -> Iterator[RowBatch]:
        """The rows up to the end of a record that ends with a block."""
        width = len(self.names)
        bad: list[DataError] = []
        found = read_records(lines, self._path, self._delimiter, quotes=self._quotes, bad=bad)
        while True:
            bad.clear()
            numbers, kept = [], []
            for number, fields in islice(found, BATCH_ROWS):
                if len(fields) == width:
                    numbers.append(number)
                    kept.append(fields)
                else:
                    counted = f"{len(fields)} field{'s' if len(fields) != 1 else ''}"
                    reason = f"has {counted} where the header has {width}"
                    bad.append(DataError(reason, file=self._path, line=number))
            if not numbers and not bad:
                return
            columns = [
                pl.Series(name, [fields[place] for fields in kept], pl.String)
                for place, name in zip(places, names, strict=True)
            ]
            bad.sort(key=lambda error: error.line or 0)
            yield RowBatch(pl.DataFrame(columns), np.array(numbers, np.int64), tuple(bad))


def _after_lines(block: bytes, lines: int) -> int:
    """Offset after that many line ends, or the block's length if it has fewer."""
    place = 0
    for _ in range(lines):
        place = block.find(b"\n", place) + 1
        if not place:
            return len(block)
    return place
