"""Where a table begins in a text file: after blank lines, comments and ``sep=;``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.tables.csv_records import split_line
from bitrecall.training.data.tables.delimiters import DELIMITERS, short

__all__ = ["TableStart", "find_start"]

_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.|\\t)"?[,;\t]*', re.IGNORECASE)
_COMMENT: Final = re.compile(r"\s*(?:#|%|//)")


@dataclass(frozen=True)
class TableStart:
    """Where the table begins: after comments and blank lines.

    Attributes:
        skip: lines before it.
        delimiter: that the file names (``sep=;``), None if it names none.
        commented_header: the last comment without its sign, which may be the header.
        notes: what was skipped, for people.
    """

    skip: int
    delimiter: str | None
    commented_header: str | None
    notes: tuple[str, ...]


def find_start(text: TextFile, options: ReadOptions | None = None) -> TableStart:
    """Skip blank lines, ``sep=;`` and comments; a comment may be the header."""
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
            notes.append(f"line {number} is a comment and was skipped: {short(line)}")
        elif line.strip():
            break
        skip = number
    return TableStart(skip, delimiter, commented, tuple(notes))


def _is_row(line: str, options: ReadOptions | None) -> bool:
    """Whether a line that looks like a comment has as many fields as there are columns."""
    if options is None or options.columns is None:
        return False
    given = [options.delimiter] if options.delimiter else DELIMITERS
    return any(len(split_line(line, one, quotes=True)) == len(options.columns) for one in given)
