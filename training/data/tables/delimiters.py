"""Delimiters of tables in text: which are recognised, and which one a sample of lines uses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.tables.csv_records import parse_records
from bitrecall.training.errors import DataError

__all__ = ["DELIMITERS", "detect_delimiter", "read_header", "sample_rows", "shorten"]

DELIMITERS: Final = ("::", ",", "\t", ";", "|", " ", "\x01")
"""Delimiters that are detected; others need ``--delimiter``."""

SAMPLE_ROWS: Final = 200


def detect_delimiter(lines: Sequence[str]) -> str | None:
    """Return the delimiter that splits all lines into the same number of fields.

    Of several, the one with the most fields is chosen. None if no delimiter splits the lines.
    """
    detected, max_fields = None, 1
    for delimiter in DELIMITERS:
        _, rows = sample_rows(lines, delimiter)
        counts = {len(row) for row in rows}
        if len(counts) == 1 and (count := counts.pop()) > max_fields:
            detected, max_fields = delimiter, count
    return detected


def sample_rows(lines: Sequence[str], delimiter: str) -> tuple[bool, list[list[str]]]:
    """Parse the first rows, and detect whether fields are quoted.

    Text with tabs and similar delimiters is often written without quoting. Quotes are therefore
    ordinary characters if all rows have the same number of fields only without quoting.

    Returns:
        whether double quotes enclose fields, and the rows.
    """
    content = ("\n".join(lines[: SAMPLE_ROWS * 2]) + "\n").encode(errors="surrogateescape")
    rows_by_quoting = {}
    for quotes in (True, False):
        bad: list[DataError] = []
        rows = [
            fields
            for _, fields in islice(
                parse_records([content], None, delimiter, quotes=quotes, bad=bad), SAMPLE_ROWS
            )
        ]
        rows_by_quoting[quotes] = rows
        if quotes and (not bad or delimiter == ",") and len({len(row) for row in rows}) <= 1:
            return True, rows
    if len({len(row) for row in rows_by_quoting[False]}) == 1 and delimiter != ",":
        return False, rows_by_quoting[False]
    return True, rows_by_quoting[True]


def read_header(
    text: TextFile, lines: Sequence[str], delimiter: str, skip: int
) -> tuple[int, list[str]]:
    """Read the header, which may span several lines.

    Args:
        text: the file, for messages.
        lines: its first lines, from the header on.
        delimiter: between the fields.
        skip: number of lines before the header.

    Returns:
        the number of the header's last line, and its fields.

    Raises:
        DataError: the header cannot be parsed, even if bad rows are skipped.
    """
    content = ("\n".join(lines) + "\n").encode(errors="surrogateescape")
    bad: list[DataError] = []
    records = parse_records([content], text.path, delimiter, quotes=True, bad=bad, first=skip + 1)
    record = next(records, None)
    if bad:
        raise bad[0]
    if record is None:
        raise DataError("is empty", file=text.path)
    line, fields = record
    return line + sum(field.count("\n") for field in fields), fields


def shorten(line: str) -> str:
    """Shorten a line to at most 80 characters for a message."""
    line = line.strip().encode(errors="replace").decode()
    return line if len(line) <= 80 else line[:77] + "..."
