"""Find the start of a table in a text file, after blank lines, comments and ``sep=;``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.tables.csv_records import split_line
from bitrecall.training.data.tables.delimiters import DELIMITERS, shorten

__all__ = ["TableStart", "find_start", "known_delimiter"]

_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.|\\t)"?[,;\t]*', re.IGNORECASE)
_COMMENT: Final = re.compile(r"\s*(?:#|%|//)")


@dataclass(frozen=True)
class TableStart:
    """The start of a table.

    Attributes:
        skip: number of lines before the table.
        delimiter: the delimiter that the file names (``sep=;``), or None.
        commented_header: text of the last comment, which may be the header, or None.
        notes: skipped lines, for the report.
    """

    skip: int
    delimiter: str | None
    commented_header: str | None
    notes: tuple[str, ...]


def find_start(text: TextFile, options: ReadOptions | None = None) -> TableStart:
    """Find the first line that is not blank, ``sep=;`` or a comment.

    Args:
        text: the file.
        options: if they name columns, a line with that many fields is a row, not a comment.
    """
    notes: list[str] = []
    delimiter, commented = None, None
    skip = 0
    for number, line in enumerate(text.head_lines, start=1):
        separator = _SEPARATOR_LINE.fullmatch(line.strip())
        if separator is not None and number == 1:
            delimiter = "\t" if separator[1] == "\\t" else separator[1]
            notes.append(f"line 1 names the delimiter: {line.strip()}")
        elif _COMMENT.match(line) and not _is_row(line, options):
            content = _COMMENT.sub("", line, count=1)
            commented = content
            notes.append(f"line {number} is a comment and was skipped: {shorten(line)}")
        elif line.strip():
            break
        skip = number
    return TableStart(skip, delimiter, commented, tuple(notes))


def known_delimiter(start: TableStart, text: TextFile, options: ReadOptions) -> str | None:
    """Return the delimiter of the options, the file or its suffix; None if it must be detected."""
    if options.delimiter is not None:
        return options.delimiter
    if start.delimiter is not None:
        return start.delimiter
    suffixes = [suffix.lower() for suffix in text.path.suffixes[-2:]]
    return "\t" if ".tsv" in suffixes or ".tab" in suffixes else None


def _is_row(line: str, options: ReadOptions | None) -> bool:
    """Whether a line that looks like a comment has one field per named column."""
    if options is None or options.columns is None:
        return False
    delimiters = [options.delimiter] if options.delimiter else DELIMITERS
    return any(
        len(split_line(line, delimiter, quotes=True)) == len(options.columns)
        for delimiter in delimiters
    )
