"""Parse records of delimited text; a quoted field may span several lines."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from bitrecall.training.errors import DataError

__all__ = [
    "UNIT_SEPARATOR",
    "RecordLines",
    "not_utf8",
    "parse_records",
    "read_records",
    "split_line",
]

UNIT_SEPARATOR: Final = "\x1f"
"""Replaces a delimiter of several characters, because the csv module accepts only one."""


def parse_records(
    content: Iterable[bytes],
    path: Path | None,
    delimiter: str,
    *,
    quotes: bool,
    bad: list[DataError],
    first: int = 1,
) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line number and the fields of each record; blank lines are skipped.

    Args:
        content: blocks of complete lines.
        path: the file, for messages.
        delimiter: one or more characters between the fields.
        quotes: whether double quotes enclose fields.
        bad: receives an error for each record that cannot be parsed.
        first: number of the first line.
    """
    blocks = iter(content)
    lines = RecordLines(next(blocks, b""), blocks, first)
    while True:
        yield from read_records(lines, path, delimiter, quotes=quotes, bad=bad)
        if not lines.refill():
            return


def not_utf8(text: str) -> str | None:
    """Describe the first byte of a text that is not UTF-8; None if all bytes are.

    Args:
        text: text decoded with ``surrogateescape``.
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
    """Split a line into fields; if its quotes are wrong, return the line as one field."""
    try:
        return next(iter(_reader([line], delimiter, quotes=quotes)), [])
    except csv.Error:
        return [line]


class RecordLines:
    """Iterator over the lines of a block, and of later blocks if a record continues there.

    After a record failed, the lines after its first line can be read again.

    Attributes:
        first: number of the first line of the current record.
    """

    def __init__(self, block: bytes, blocks: Iterator[bytes], first: int) -> None:
        self.first = first
        self._blocks = blocks
        self._pending: deque[str] = deque()
        self._record: list[str] = []
        self._put(block)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        # Fetch a block only within a record: between records, the caller decides how to read the
        # next block.
        if not self._pending and (not self._record or not self.refill()):
            raise StopIteration
        line = self._pending.popleft()
        self._record.append(line)
        return line

    def refill(self) -> bool:
        """Add the lines of the next block; return False after the last."""
        block = next(self._blocks, None)
        if block is None:
            return False
        self._put(block)
        return True

    def begin(self) -> None:
        """Start a record at the next line."""
        self.first += len(self._record)
        self._record.clear()

    def push_back(self) -> None:
        """Reduce the record to its first line; its other lines are read again."""
        self._pending.extendleft(reversed(self._record[1:]))
        del self._record[1:]

    def not_utf8(self) -> str | None:
        """Describe the first byte of the record that is not UTF-8; None if all bytes are."""
        if all(line.isascii() for line in self._record):
            return None
        return not_utf8("".join(self._record))

    def _put(self, block: bytes) -> None:
        lines = block.decode(errors="surrogateescape").split("\n")
        last = lines.pop()
        self._pending.extend(line + "\n" for line in lines)
        if last:
            self._pending.append(last)


def read_records(
    lines: RecordLines, path: Path | None, delimiter: str, *, quotes: bool, bad: list[DataError]
) -> Iterator[tuple[int, list[str]]]:
    """Yield first line number and fields of each record up to the end of the lines.

    Bad records are appended to ``bad``.
    """
    reader = _reader(lines, delimiter, quotes=quotes)
    while True:
        lines.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.push_back()
            bad.append(DataError(_explain(str(error)), file=path, line=lines.first))
            continue
        if (reason := lines.not_utf8()) is not None:
            bad.append(DataError(reason, file=path, line=lines.first))
            continue
        if len(fields) > 1 or (fields and fields[0].strip()):
            yield lines.first, fields


def _reader(lines: Iterable[str], delimiter: str, *, quotes: bool) -> Iterator[list[str]]:
    """Return a csv reader of lines; it raises ``csv.Error``."""
    is_replaced = len(delimiter) > 1
    reader = csv.reader(
        # The csv module accepts one character only. Ordinary text does not contain this one.
        map(_with_separator(delimiter), lines) if is_replaced else lines,
        delimiter=UNIT_SEPARATOR if is_replaced else delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )
    return _RestoredFields(reader, delimiter) if is_replaced and quotes else reader


def _with_separator(delimiter: str) -> Callable[[str], str]:
    return lambda line: line.replace(delimiter, UNIT_SEPARATOR)


class _RestoredFields:
    """Iterator over records that restores the replaced delimiter within quoted fields."""

    def __init__(self, reader: Iterator[list[str]], delimiter: str) -> None:
        self._reader = reader
        self._delimiter = delimiter

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        return [field.replace(UNIT_SEPARATOR, self._delimiter) for field in next(self._reader)]


def _explain(problem: str) -> str:
    if "unexpected end of data" in problem:
        return "has a double quote that is never closed"
    if "field limit" in problem:
        return (
            f"has a quoted field of more than {csv.field_size_limit():,} characters, or a double "
            "quote that is never closed"
        )
    if "expected after" in problem:
        return "has text after a closing double quote; double a quote inside a quoted field"
    if "new-line character" in problem:
        return "has a carriage return in the middle of the line; lines end with \\n or \\r\\n"
    return f"cannot be read: {problem}"
