"""Detect the layout of a table in text: delimiter, header, and lines before the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bitrecall.training.data.columns.column_names import find_columns
from bitrecall.training.data.columns.value_kinds import (
    ValueKind,
    counts_up,
    kind_of,
    looks_like_data,
    suggest_columns,
)
from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.tables.csv_records import split_line
from bitrecall.training.data.tables.delimiters import (
    DELIMITERS,
    detect_delimiter,
    read_header,
    sample_rows,
    shorten,
)
from bitrecall.training.data.tables.header_detection import (
    header_candidates,
    header_delimiter,
    is_aligned,
    is_numbered_header,
    repeats_columns,
)
from bitrecall.training.data.tables.table_start import TableStart, find_start, known_delimiter
from bitrecall.training.errors import DataError

__all__ = ["Layout", "find_layout"]


@dataclass(frozen=True)
class Layout:
    """How to read the rows of a table.

    Attributes:
        names: names of all columns.
        delimiter: one or more characters between the fields.
        quotes: whether double quotes enclose fields.
        skip: number of lines before the first row.
        notes: decisions and skipped lines, for the report.
    """

    names: tuple[str, ...]
    delimiter: str
    quotes: bool
    skip: int
    notes: tuple[str, ...] = ()


def find_layout(text: TextFile, options: ReadOptions, *, certain: bool = True) -> Layout | None:
    """Detect the layout of a file.

    Args:
        text: the file.
        options: may name the columns and the delimiter.
        certain: whether the file is known to be a table.

    Returns:
        The layout; None if the file is not certain to be a table and does not look like one.

    Raises:
        DataError: the header lacks a column, or the file has no header and the columns must be
            named.
    """
    start = find_start(text, options)
    lines = text.head_lines[start.skip :]
    if not lines:
        if certain:
            raise DataError("is empty", file=text.path)
        return None
    if options.columns is not None:
        return _named(text, start, lines, options.columns, options)
    for header, commented in header_candidates(start, lines):
        delimiter = header_delimiter(header, text, start, options)
        if delimiter is None or (delimiter == " " and "  " in header.strip()):
            continue
        return _with_header(text, start, delimiter, commented)
    if is_aligned(lines, text, options):
        raise DataError(
            "has columns aligned with spaces; separate them by one character, as in CSV",
            file=text.path,
        )
    delimiter = known_delimiter(start, text, options) or detect_delimiter(lines)
    if delimiter is None:
        if certain:
            delimiter = ","
        else:
            return None
    quotes, rows = sample_rows(lines, delimiter)
    if (
        len(rows) > 1
        and looks_like_data(rows[0], rows[1:])
        and not is_numbered_header(rows[0], options)
    ):
        return _without_header(text, start, delimiter, quotes, rows, certain=certain)
    if not certain and len(rows) < 2:
        return None
    layout = _with_header(text, start, delimiter, None)
    if not certain and delimiter == " ":
        return None
    find_columns(layout.names, options, text.path)
    return layout


def _with_header(
    text: TextFile, start: TableStart, delimiter: str, commented: str | None
) -> Layout:
    lines = text.head_lines[start.skip :]
    quotes, _ = sample_rows(lines, delimiter)
    if commented is not None:
        names = split_line(commented, delimiter, quotes=True)
        notes = (*start.notes[:-1], f"line {start.skip} is the header, after a comment sign")
        return Layout(tuple(names), delimiter, quotes, start.skip, notes)
    end, names = read_header(text, lines, delimiter, start.skip)
    return Layout(tuple(names), delimiter, quotes, end, start.notes)


def _named(
    text: TextFile,
    start: TableStart,
    lines: Sequence[str],
    names: tuple[str, ...],
    options: ReadOptions,
) -> Layout:
    """Return the layout of a table whose columns the options name; skip a header."""
    delimiter = known_delimiter(start, text, options)
    if delimiter is None:
        counts = {
            delimiter: len(split_line(lines[0], delimiter, quotes=True)) for delimiter in DELIMITERS
        }
        delimiter = next((key for key, count in counts.items() if count == len(names)), None)
        if delimiter is None:
            raise DataError(
                f"--columns names {len(names)} columns, but the first line has "
                f"{max(counts.values())} fields: {shorten(lines[0])}",
                file=text.path,
                line=start.skip + 1,
            )
    quotes, rows = sample_rows(lines, delimiter)
    layout = Layout(names, delimiter, quotes, start.skip, start.notes)
    if rows and repeats_columns(rows, names, text):
        end, fields = read_header(text, lines, delimiter, start.skip)
        note = f"line {start.skip + 1} is a header ({', '.join(fields)}) and was skipped"
        return replace(layout, skip=end, notes=(*start.notes, note))
    return layout


def _without_header(
    text: TextFile,
    start: TableStart,
    delimiter: str,
    quotes: bool,
    rows: Sequence[Sequence[str]],
    *,
    certain: bool,
) -> Layout | None:
    """Return the layout of a table without a header if it looks like MovieLens.

    Raises:
        DataError: the columns must be named.
    """
    width = len(rows[0])
    complete = [row for row in rows if len(row) == width]
    if len(complete) < len(rows) or width < 2:
        if certain:
            raise DataError(
                f"has no header, and its lines have different numbers of fields: "
                f"{shorten(text.head_lines[start.skip])}",
                file=text.path,
            )
        return None
    if width == 2 and delimiter == " " and not certain:
        return None
    kinds = [kind_of(column) for column in zip(*complete, strict=True)]
    names = suggest_columns(complete)
    ids = (ValueKind.INTEGER, ValueKind.RATING)
    if (
        width == 4
        and not (len(complete) > 2 and counts_up([row[0] for row in complete]))  # row numbers
        and kinds[0] in ids
        and kinds[1] in ids
        and kinds[2] in (ValueKind.RATING, ValueKind.INTEGER, ValueKind.NUMBER)
        and kinds[3] is ValueKind.TIME
    ):
        names = ["user_id", "item_id", "rating", "timestamp"]
        note = (
            f"has no header: its columns were read as {', '.join(names)}, as in MovieLens; if "
            "this is wrong, name them with --columns"
        )
        return Layout(tuple(names), delimiter, quotes, start.skip, (*start.notes, note))
    raise DataError(
        f"has no header: line {start.skip + 1} is data like the lines below ("
        f"{shorten(text.head_lines[start.skip])}). Name its columns, such as "
        f"--columns {','.join(names)}, with user_id, item_id and timestamp where they belong",
        file=text.path,
    )
