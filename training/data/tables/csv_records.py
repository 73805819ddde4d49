"""Records of delimited text, which quotes may spread over several lines."""

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
"""Stands for a delimiter of several characters, because the csv module takes only one."""


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
    lines = RecordLines(next(rest, b""), rest, first)
    while True:
        yield from read_records(lines, path, delimiter, quotes=quotes, bad=bad)
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


class RecordLines:
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


def read_records(
    lines: RecordLines, path: Path | None, delimiter: str, *, quotes: bool, bad: list[DataError]
) -> Iterator[tuple[int, list[str]]]:
    """Records up to the end of the lines, each with its first line; bad ones go into ``bad``."""
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


def _reader(lines: Iterable[str], delimiter: str, *, quotes: bool) -> Iterator[list[str]]:
    """Records of lines; errors of the csv module pass through."""
    several = len(delimiter) > 1
    reader = csv.reader(
        # The csv module takes one character only; this one is in no text that people write.
        map(_with_separator(delimiter), lines) if several else lines,
        delimiter=UNIT_SEPARATOR if several else delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )
    return _Restored(reader, delimiter) if several and quotes else reader


def _with_separator(delimiter: str) -> Callable[[str], str]:
    return lambda line: line.replace(delimiter, UNIT_SEPARATOR)


class _Restored:
    """Records in whose quoted fields a delimiter of several characters is put back."""

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
        return "has text after a closing double quote; a quote inside quotes is written twice"
    if "new-line character" in problem:
        return "has a carriage return in the middle of the line; lines end with \\n or \\r\\n"
    return f"cannot be read: {problem}"
