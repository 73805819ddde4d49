"""Records of a delimited text file, each with the line that it starts on."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from training.data.rows import BadRows
from training.errors import DataError

__all__ = ["first_line", "first_record", "open_text", "records", "split_line"]


def open_text(path: Path) -> TextIO:
    """Open a UTF-8 file, less a byte-order mark; bytes that are not UTF-8 become surrogates.

    Raises:
        DataError: the file cannot be read, or is UTF-16.
    """
    try:
        with path.open("rb") as file:
            if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError("is UTF-16; save it as UTF-8", file=path)
        # Lines end at \n only, so that their numbers are those that an editor shows, and a
        # carriage return inside quotes stays what it is.
        return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n")
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", file=path) from error


def records(
    file: TextIO, path: Path, delimiter: str, *, quotes: bool, bad_rows: BadRows
) -> Iterator[tuple[int, list[str]]]:
    """Each record's first line, counted from 1, and its fields; lines of white space are left out.

    Where quotes count, a field in double quotes may hold the delimiter, line ends, and quotes
    written twice. After a record that cannot be read, it goes on at the line after the one on
    which that record starts, so that a quote never closed costs one line and not the rest.

    Raises:
        DataError: a record is not UTF-8 or its quotes are wrong (unless bad rows are skipped).
    """
    lines = _Lines(file)
    reader = _reader(lines, delimiter, quotes=quotes)
    while True:
        lines.begin()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            lines.give_back()
            bad_rows.add(DataError(_explain(str(error)), file=path, line=lines.first))
            continue
        if not lines.is_utf8():
            bad_rows.add(DataError("is not UTF-8", file=path, line=lines.first))
            continue
        if len(fields) > 1 or (fields and fields[0].strip()):
            yield lines.first, fields


def first_line(path: Path) -> str:
    """The first line that is not blank, cut after a million characters, without its end.

    Raises:
        DataError: the file cannot be read, is UTF-16, or has no such line.
    """
    with open_text(path) as file:
        while line := file.readline(1_000_000):
            if line.strip():
                return line.rstrip("\r\n")
    raise DataError("is empty", file=path)


def first_record(path: Path, delimiter: str, *, quotes: bool) -> list[str]:
    """The fields of the first record, which must be good whatever is done with bad rows.

    Raises:
        DataError: the file cannot be read or is empty, or the record is bad.
    """
    with open_text(path) as file:
        for _, fields in records(file, path, delimiter, quotes=quotes, bad_rows=BadRows()):
            return fields
    raise DataError("is empty", file=path)


def split_line(line: str, delimiter: str, *, quotes: bool) -> list[str]:
    """The fields of one line, or the line itself where its quotes are wrong."""
    try:
        return next(_reader([line], delimiter, quotes=quotes), [])
    except csv.Error:
        return [line]


class _Lines:
    """Lines of a file, able to give back those that a failed record took after its first."""

    def __init__(self, file: TextIO) -> None:
        self.first = 1
        self._file = file
        self._given_back: deque[str] = deque()
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._given_back.popleft() if self._given_back else next(self._file)
        self._taken.append(line)
        return line

    def begin(self) -> None:
        """Start a record at the next line."""
        self.first += len(self._taken)
        self._taken.clear()

    def give_back(self) -> None:
        """Take the record to be its first line only."""
        self._given_back.extendleft(reversed(self._taken[1:]))
        del self._taken[1:]

    def is_utf8(self) -> bool:
        """Whether the record's lines held no bytes that were not UTF-8."""
        for line in self._taken:
            if not line.isascii():
                try:
                    line.encode()
                except UnicodeEncodeError:
                    return False
        return True


def _reader(lines: Iterable[str], delimiter: str, *, quotes: bool) -> Iterator[list[str]]:
    return csv.reader(
        lines,
        delimiter=delimiter,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=True,
    )


def _explain(problem: str) -> str:
    if "unexpected end of data" in problem or "field limit" in problem:
        return "has a double quote that is never closed"
    if "expected after" in problem:
        return "has text after a closing double quote; a quote inside quotes is written twice"
    if "new-line character" in problem:
        return "has a carriage return in the middle of the line; lines end with \\n or \\r\\n"
    return f"cannot be read: {problem}"
