"""Read delimited text in batches of rows, with the line number of each row."""

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

    If quotes are enabled, a field in double quotes may contain the delimiter, line ends, and
    doubled quotes. After a bad record, reading continues at the line after the first line of that
    record, so that a missing closing quote loses only one line.

    Args:
        text: the file.
        names: names of all columns, in order.
        delimiter: one or more characters between the fields.
        quotes: whether double quotes enclose fields.
        skip: number of lines before the first row.
        notes: decisions about the file, for the report.
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
        """Read the named columns, one block of text at a time.

        Raises:
            DataError: the file cannot be read.
        """
        places = [self.names.index(name) for name in names]
        blocks = self._text.blocks()
        skip, line = self._skip, 1
        for block in blocks:
            if skip:
                dropped = _after_lines(block, skip)
                skip -= block.count(b"\n", 0, dropped)
                line += block.count(b"\n", 0, dropped)
                block = block[dropped:]
                if not block:
                    continue
            frame = self._parse_block(block, places, names)
            if frame is not None:
                yield RowBatch(frame, np.arange(line, line + len(frame), dtype=np.int64))
                line += len(frame)
                continue
            lines = RecordLines(block, blocks, line)
            yield from self._by_record(lines, places, names)
            line = lines.first

    def sample(self) -> pl.DataFrame:
        """Return the first rows with all columns as text."""
        lines = self._text.head_lines[self._skip :]
        content = ("\n".join(lines) + "\n").encode(errors="surrogateescape")
        records = parse_records([content], None, self._delimiter, quotes=self._quotes, bad=[])
        rows = [row for _, row in islice(records, 200) if len(row) == len(self.names)]
        columns: dict[str, pl.Series] = {}
        for place, name in enumerate(self.names):
            values = [row[place].encode(errors="replace").decode() for row in rows]
            columns.setdefault(name, pl.Series(name, values, pl.String))
        return pl.DataFrame(list(columns.values()))

    def _parse_block(
        self, block: bytes, places: list[int], names: Sequence[str]
    ) -> pl.DataFrame | None:
        """Parse a block with polars if each line is one good record without quotes, else None.

        Polars pads short rows and truncates long ones, so the fields of each line are counted
        first.
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
            or len(self.names) == 1  # blank lines would become rows
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
            return None  # not UTF-8: reported line by line
        if len(frame) != len(ends):
            return None
        by_place = dict(zip(sorted(set(places)), frame.get_columns(), strict=True))
        return pl.DataFrame(
            [by_place[place].alias(name) for place, name in zip(places, names, strict=True)]
        )

    def _by_record(
        self, lines: RecordLines, places: list[int], names: Sequence[str]
    ) -> Iterator[RowBatch]:
        """Read record by record until a record ends at the end of a block."""
        width = len(self.names)
        bad: list[DataError] = []
        records = read_records(lines, self._path, self._delimiter, quotes=self._quotes, bad=bad)
        while True:
            bad.clear()
            numbers, kept = [], []
            for number, fields in islice(records, BATCH_ROWS):
                if len(fields) == width:
                    numbers.append(number)
                    kept.append(fields)
                else:
                    count = f"{len(fields)} field{'s' if len(fields) != 1 else ''}"
                    reason = f"has {count}, but the header has {width}"
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
    """Return the offset after the given number of lines, at most the block's length."""
    place = 0
    for _ in range(lines):
        place = block.find(b"\n", place) + 1
        if not place:
            return len(block)
    return place
