"""Delimiters of a table: those that are recognised, and which one a sample of lines has."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.tables.csv_records import parse_records
from bitrecall.training.errors import DataError

__all__ = ["DELIMITERS", "first_record", "sample_rows", "short", "steady_delimiter"]

DELIMITERS: Final = ("::", ",", "\t", ";", "|", " ", "\x01")
"""Delimiters that are found; ``--delimiter`` takes any other."""

SAMPLE_ROWS: Final = 200


def steady_delimiter(lines: Sequence[str]) -> str | None:
    """The delimiter that gives all lines of the sample the same number of fields, most of them."""
    best, width = None, 1
    for delimiter in DELIMITERS:
        _, rows = sample_rows(lines, delimiter)
        widths = {len(row) for row in rows}
        if len(widths) == 1 and (found := widths.pop()) > width:
            best, width = delimiter, found
    return best


def sample_rows(lines: Sequence[str], delimiter: str) -> tuple[bool, list[list[str]]]:
    """Whether double quotes count, and the first rows.

    Tabs and the like are often written without quoting: quotes count for nothing if only then
    all rows have as many fields.
    """
    content = ("\n".join(lines[: SAMPLE_ROWS * 2]) + "\n").encode(errors="surrogateescape")
    found = {}
    for quotes in (True, False):
        bad: list[DataError] = []
        rows = [
            fields
            for _, fields in islice(
                parse_records([content], None, delimiter, quotes=quotes, bad=bad), SAMPLE_ROWS
            )
        ]
        found[quotes] = rows
        if quotes and (not bad or delimiter == ",") and len({len(row) for row in rows}) <= 1:
            return True, rows
    if len({len(row) for row in found[False]}) == 1 and delimiter != ",":
        return False, found[False]
    return True, found[True]


def first_record(
    text: TextFile, lines: Sequence[str], delimiter: str, skip: int
) -> tuple[int, list[str]]:
    """The header and the number of its last line; a bad header is an error in any case."""
    content = ("\n".join(lines) + "\n").encode(errors="surrogateescape")
    bad: list[DataError] = []
    found = parse_records([content], text.path, delimiter, quotes=True, bad=bad, first=skip + 1)
    record = next(found, None)
    if bad:
        raise bad[0]
    if record is None:
        raise DataError("is empty", file=text.path)
    line, fields = record
    return line + sum(field.count("\n") for field in fields), fields


def short(line: str) -> str:
    """A line as it is shown in a message, at most 80 characters."""
    line = line.strip().encode(errors="replace").decode()
    return line if len(line) <= 80 else line[:77] + "..."
