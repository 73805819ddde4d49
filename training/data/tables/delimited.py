"""Delimited text: batches of rows, each with the line that it starts on."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.tables.table_source import BATCH_ROWS, RowBatch
from bitrecall.training.errors import DataError

__all__ = ["DelimitedSource", "not_utf8", "parse_records", "split_line"]

_UNIT_SEPARATOR: Final = "\x1f"


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
            lines = _Lines(block, rest, line)
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
            if _UNIT_SEPARATOR.encode() in block:
                return None
            block = block.replace(delimiter, _UNIT_SEPARATOR.encode())
            delimiter = _UNIT_SEPARATOR.encode()
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
        self, lines: _Lines, places: list[int], names: Sequence[str]
    ) -> Iterator[RowBatch]:
        """The rows up to the end of a record that ends with a block."""
        width = len(self.names)
        bad: list[DataError] = []
        found = _records(lines, self._path, self._delimiter, quotes=self._quotes, bad=bad)
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


def parse_records(
    content: Iterable[bytes],
    path: Path | None,
    delimiter: str,
    *,
    quotes: bool,
    bad: list[DataError],
    first: int = 1,
) -> Iterator[tuple[int, list[str]]]:
    """Each record's first line and its fields; blank lines are left out.

    Args:
        content: blocks of whole lines.
        path: the file, for messages.
        delimiter: between the fields.
        quotes: whether double quotes mean anything.
        bad: takes the records that cannot be read.
        first: number of the first line.
    """
    rest = iter(content)
    lines = _Lines(next(rest, b""), rest, first)
    while True:
        yield from _records(lines, path, delimiter, quotes=quotes, bad=bad)
        if not lines.refill():
            return


def not_utf8(text: str) -> str | None:
    """Which byte of a text is not UTF-8, for people; None if all are.

    Args:
        text: as decoded with ``surrogateescape``.
    """
    try:
        text.encode()
        return None
    except UnicodeEncodeError as error:
        place = len(text[: error.start].encode())
        return (
            f"byte 0x{ord(text[error.start]) & 0xFF:02X} at position {place + 1} is not UTF-8; "
            "if the file is Latin-1, pass --encoding latin-1"
        )


def split_line(line: str, delimiter: str, *, quotes: bool) -> list[str]:
    """The fields of one line, or the line itself if its quotes are wrong."""
    try:
        return next(iter(_reader([line], delimiter, quotes=quotes)), [])
    except csv.Error:
        return [line]


class _Lines:
    """Lines of a block, and of the next ones as long as a record goes on.

    Lines that a failed record took after its first can be given back.

    Attributes:
        first: number of the line on which the current record starts.
    """

    def __init__(self, block: bytes, rest: Iterator[bytes], first: int) -> None:
        self.first = first
        self._rest = rest
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []
        self._put(block)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        # Blocks are fetched within a record only: between records, the caller decides how the
        # next block is read.
        if not self._waiting and (not self._taken or not self.refill()):
            raise StopIteration
        line = self._waiting.popleft()
        self._taken.append(line)
        return line

    @property
    def taken(self) -> int:
        """Lines of the current record."""
        return len(self._taken)

    def refill(self) -> bool:
        """Add the lines of the next block; False after the last."""
        block = next(self._rest, None)
        if block is None:
            return False
        self._put(block)
        return True

    def begin(self) -> None:
        """Start a record at the next line."""
        self.first += len(self._taken)
        self._taken.clear()

    def give_back(self) -> None:
        """Take the record to be its first line only."""
        self._waiting.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]

    def not_utf8(self) -> str | None:
        """Which byte of the record is not UTF-8, for people; None if all are."""
        if all(line.isascii() for line in self._taken):
            return None
        return not_utf8("".join(self._taken))

    def _put(self, block: bytes) -> None:
        lines = block.decode(errors="surrogateescape").split("\n")
        last = lines.pop()
        self._waiting.extend(line + "\n" for line in lines)
        if last:
            self._waiting.append(last)


def _records(
    lines: _Lines, path: Path | None, delimiter: str, *, quotes: bool, bad: list[DataError]
) -> Iterator[tuple[int, list[str]]]:
    reader = _reader(lines, delimiter, quotes=quotes)
    while True:
        lines.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.give_back()
            bad.append(DataError(_explain(str(error)), file=path, line=lines.first))
            continue
        if (reason := lines.not_utf8()) is not None:
            bad.append(DataError(reason, file=path, line=lines.first))
            continue
        if len(fields) > 1 or (fields and fields[0].strip()):
            yield lines.first, fields


def _after_lines(block: bytes, lines: int) -> int:
    """Offset after that many line ends, or the block's length if it has fewer."""
    place = 0
    for _ in range(lines):
        place = block.find(b"\n", place) + 1
        if not place:
            return len(block)
    return place


def _reader(lines: Iterable[str], delimiter: str, *, quotes: bool) -> Iterator[list[str]]:
    """Records of lines; errors of the csv module pass through."""
    several = len(delimiter) > 1
    reader = csv.reader(
        # The csv module takes one character only; this one is in no text that people write.
        map(_with_separator(delimiter), lines) if several else lines,
        delimiter=_UNIT_SEPARATOR if several else delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )
    return _Restored(reader, delimiter) if several and quotes else reader


def _with_separator(delimiter: str) -> Callable[[str], str]:
    return lambda line: line.replace(delimiter, _UNIT_SEPARATOR)


class _Restored:
    """Records in whose quoted fields a delimiter of several characters is put back."""

    def __init__(self, reader: Iterator[list[str]], delimiter: str) -> None:
        self._reader = reader
        self._delimiter = delimiter

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        return [field.replace(_UNIT_SEPARATOR, self._delimiter) for field in next(self._reader)]


def _explain(problem: str) -> str:
    if "unexpected end of data" in problem:
        return "has a double quote that is never closed"
    if "field limit" in problem:
        return (
            f"has a quoted field of more than {csv.field_size_limit():,} characters, or a double "
            "quote that is never closed"
        )
    if "expected after" in problem:
        return "has text after a closing double quote; a quote inside quotes is written twice"
    if "new-line character" in problem:
        return "has a carriage return in the middle of the line; lines end with \\n or \\r\\n"
    return f"cannot be read: {problem}"
