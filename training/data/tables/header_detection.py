"""Detect the header of a table in text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bitrecall.training.data.columns.column_names import find_columns, normalise_name
from bitrecall.training.data.columns.value_kinds import ValueKind, kind_of, looks_like_data
from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.tables.csv_records import split_line
from bitrecall.training.data.tables.delimiters import DELIMITERS, sample_rows
from bitrecall.training.data.tables.table_start import TableStart, known_delimiter
from bitrecall.training.errors import DataError

__all__ = [
    "header_candidates",
    "header_delimiter",
    "is_aligned",
    "is_numbered_header",
    "repeats_columns",
]


def is_aligned(lines: Sequence[str], text: TextFile, options: ReadOptions) -> bool:
    """Whether the first line has common column names that are aligned with several spaces."""
    names = lines[0].split()
    if "  " not in lines[0].strip():
        return False
    try:
        find_columns(names, options, text.path)
    except DataError:
        return False
    return True


def header_candidates(start: TableStart, lines: Sequence[str]) -> list[tuple[str, str | None]]:
    """Return the lines that may be the header, each with its text again if it is a comment."""
    candidates: list[tuple[str, str | None]] = [(lines[0], None)]
    if start.commented_header is not None:
        candidates.append((start.commented_header, start.commented_header))
    return candidates


def header_delimiter(
    line: str, text: TextFile, start: TableStart, options: ReadOptions
) -> str | None:
    """Return the first delimiter with which the line names a user and an item column."""
    known = known_delimiter(start, text, options)
    for delimiter in [known] if known is not None else DELIMITERS:
        names = split_line(line, delimiter, quotes=True)
        # A line with common names is a header. A line that only has the names of the options could
        # also be a row.
        common_only = replace(options, user_column=None, item_column=None, time_column=None)
        for naming in (common_only, options):
            try:
                find_columns(names, naming, text.path)
            except DataError:
                continue
            if naming is common_only or not _looks_like_row(names, text, start, delimiter):
                return delimiter
    return None


def _looks_like_row(names: list[str], text: TextFile, start: TableStart, delimiter: str) -> bool:
    _, rows = sample_rows(text.head_lines[start.skip :], delimiter)
    numbered = names == [str(place) for place in range(len(names))]
    return not numbered and looks_like_data(names, rows[1:])


def is_numbered_header(fields: Sequence[str], options: ReadOptions) -> bool:
    """Whether the header is 0, 1, 2, ... as pandas writes it, and a user column is named."""
    numbered = list(fields) == [str(place) for place in range(len(fields))]
    return numbered and options.user_column is not None


def repeats_columns(rows: Sequence[Sequence[str]], names: Sequence[str], text: TextFile) -> bool:
    """Whether the first row of a table is a header, although the options name the columns.

    Args:
        rows: the first rows of the table.
        names: the columns that the options name.
        text: the file, for messages.
    """
    first = [field.strip() for field in rows[0]]
    if [normalise_name(field) for field in first] == [normalise_name(name) for name in names]:
        return True
    try:
        find_columns(first, ReadOptions(use_times=False), text.path)
    except DataError:
        pass
    else:
        return True
    if len(rows) < 3 or looks_like_data(first, rows[1:]):
        return False
    complete = [row for row in rows[1:] if len(row) == len(first)]
    kinds = [kind_of(column) for column in zip(*complete, strict=True)]
    return any(kind is not ValueKind.TEXT for kind in kinds) and all(first)
