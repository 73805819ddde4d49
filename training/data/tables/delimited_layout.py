"""How a table in text is laid out: its delimiter, its header, and what comes before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bitrecall.training.data.columns.column_names import find_columns, normalise_name
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
    first_record,
    sample_rows,
    short,
    steady_delimiter,
)
from bitrecall.training.data.tables.table_start import TableStart, find_start
from bitrecall.training.errors import DataError

__all__ = ["Layout", "find_layout"]


@dataclass(frozen=True)
class Layout:
    """How to read the rows of a table.

    Attributes:
        names: of the columns, all of them.
        delimiter: between the fields.
        quotes: whether double quotes mean anything.
        skip: lines before the first row.
        notes: what was decided or skipped, for people.
    """

    names: tuple[str, ...]
    delimiter: str
    quotes: bool
    skip: int
    notes: tuple[str, ...] = ()


def find_layout(text: TextFile, options: ReadOptions, *, certain: bool = True) -> Layout | None:
    """The layout of a file that is, or may be, a table.

    Args:
        text: the file.
        options: may name the columns and the delimiter.
        certain: whether it is known to be a table.

    Returns:
        The layout; None if it is not certain to be a table, and does not look like one.

    Raises:
        DataError: the header lacks a column, or there is none and the columns must be named.
    """
    start = find_start(text, options)
    lines = text.head_lines[start.skip :]
    if not lines:
        if certain:
            raise DataError("is empty", file=text.path)
        return None
    if options.columns is not None:
        return _named(text, start, lines, options.columns, options)
    for header, after in _headers(start, lines):
        delimiter = _delimiter_of_header(header, text, start, options)
        if delimiter is None or (delimiter == " " and "  " in header.strip()):
            continue
        return _with_header(text, start, delimiter, after)
    if _is_aligned(lines, text, options):
        raise DataError(
            "has columns that are aligned with spaces; separate them by one character, as CSV does",
            file=text.path,
        )
    delimiter = _only_delimiter(start, text, options) or steady_delimiter(lines)
    if delimiter is None:
        if certain:
            delimiter = ","
        else:
            return None
    quotes, rows = sample_rows(lines, delimiter)
    if len(rows) > 1 and looks_like_data(rows[0], rows[1:]) and not _is_pandas(rows[0], options):
        return _without_header(text, start, delimiter, quotes, rows, certain=certain)
    if not certain and len(rows) < 2:
        return None
    layout = _with_header(text, start, delimiter, None)
    if not certain and delimiter == " ":
        return None
    find_columns(layout.names, options, text.path)
    return layout


def _is_aligned(lines: Sequence[str], text: TextFile, options: ReadOptions) -> bool:
    """Whether a header of names in common use is separated by runs of spaces."""
    names = lines[0].split()
    if "  " not in lines[0].strip():
        return False
    try:
        find_columns(names, options, text.path)
    except DataError:
        return False
    return True


def _headers(start: TableStart, lines: Sequence[str]) -> list[tuple[str, str | None]]:
    """Lines that may be the header, each with its text if it was in a comment."""
    found: list[tuple[str, str | None]] = [(lines[0], None)]
    if start.commented_header is not None:
        found.append((start.commented_header, start.commented_header))
    return found


def _delimiter_of_header(
    line: str, text: TextFile, start: TableStart, options: ReadOptions
) -> str | None:
    """The first delimiter under which the line names the columns of user and item."""
    only = _only_delimiter(start, text, options)
    for delimiter in [only] if only is not None else DELIMITERS:
        names = split_line(line, delimiter, quotes=True)
        # By the common names alone: whether a name that was given is a header's is seen later.
        common = replace(options, user_column=None, item_column=None, time_column=None)
        for chosen in (common, options):
            try:
                find_columns(names, chosen, text.path)
            except DataError:
                continue
            if chosen is common or not _looks_like_row(names, text, start, delimiter):
                return delimiter
    return None


def _looks_like_row(names: list[str], text: TextFile, start: TableStart, delimiter: str) -> bool:
    _, rows = sample_rows(text.head_lines[start.skip :], delimiter)
    numbered = names == [str(place) for place in range(len(names))]
    return not numbered and looks_like_data(names, rows[1:])


def _is_pandas(fields: Sequence[str], options: ReadOptions) -> bool:
    """Whether a header is 0, 1, 2, ... as pandas writes it, and one of those is asked for."""
    numbered = list(fields) == [str(place) for place in range(len(fields))]
    return numbered and options.user_column is not None


def _with_header(
    text: TextFile, start: TableStart, delimiter: str, commented: str | None
) -> Layout:
    lines = text.head_lines[start.skip :]
    quotes, _ = sample_rows(lines, delimiter)
    if commented is not None:
        names = split_line(commented, delimiter, quotes=True)
        notes = (*start.notes[:-1], f"line {start.skip} is the header, after a comment sign")
        return Layout(tuple(names), delimiter, quotes, start.skip, notes)
    end, names = first_record(text, lines, delimiter, start.skip)
    return Layout(tuple(names), delimiter, quotes, end, start.notes)


def _named(
    text: TextFile,
    start: TableStart,
    lines: Sequence[str],
    names: tuple[str, ...],
    options: ReadOptions,
) -> Layout:
    """A table whose columns the options name; a header in it is skipped."""
    delimiter = _only_delimiter(start, text, options)
    if delimiter is None:
        widths = {one: len(split_line(lines[0], one, quotes=True)) for one in DELIMITERS}
        fits = [one for one, width in widths.items() if width == len(names)]
        if not fits:
            raise DataError(
                f"--columns names {len(names)} columns, and the first line has "
                f"{max(widths.values())} fields: {short(lines[0])}",
                file=text.path,
                line=start.skip + 1,
            )
        delimiter = fits[0]
    quotes, rows = sample_rows(lines, delimiter)
    layout = Layout(names, delimiter, quotes, start.skip, start.notes)
    if rows and _is_header(rows, names, text):
        end, fields = first_record(text, lines, delimiter, start.skip)
        note = f"line {start.skip + 1} is a header ({', '.join(fields)}) and was skipped"
        return replace(layout, skip=end, notes=(*start.notes, note))
    return layout


def _is_header(rows: Sequence[Sequence[str]], names: Sequence[str], text: TextFile) -> bool:
    """Whether the first row of a table with given columns is a header all the same."""
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
    steady = [row for row in rows[1:] if len(row) == len(first)]
    kinds = [kind_of(column) for column in zip(*steady, strict=True)]
    return any(kind is not ValueKind.TEXT for kind in kinds) and all(first)


def _without_header(
    text: TextFile,
    start: TableStart,
    delimiter: str,
    quotes: bool,
    rows: Sequence[Sequence[str]],
    *,
    certain: bool,
) -> Layout | None:
    """A table without a header: of MovieLens' form, or an error that says what to type."""
    width = len(rows[0])
    steady = [row for row in rows if len(row) == width]
    if len(steady) < len(rows) or width < 2:
        if certain:
            raise DataError(
                f"has no header, and its lines differ in their number of fields: "
                f"{short(text.head_lines[start.skip])}",
                file=text.path,
            )
        return None
    if width == 2 and delimiter == " " and not certain:
        return None
    kinds = [kind_of(column) for column in zip(*steady, strict=True)]
    names = suggest_columns(steady)
    ids = (ValueKind.INTEGER, ValueKind.RATING)
    if (
        width == 4
        and not (len(steady) > 2 and counts_up([row[0] for row in steady]))  # numbers of rows
        and kinds[0] in ids
        and kinds[1] in ids
        and kinds[2] in (ValueKind.RATING, ValueKind.INTEGER, ValueKind.NUMBER)
        and kinds[3] is ValueKind.TIME
    ):
        names = ["user_id", "item_id", "rating", "timestamp"]
        note = (
            f"has no header: its columns were taken for {', '.join(names)}, as in MovieLens; if "
            "they are others, name them with --columns"
        )
        return Layout(tuple(names), delimiter, quotes, start.skip, (*start.notes, note))
    raise DataError(
        f"has no header: line {start.skip + 1} is data like the lines below ("
        f"{short(text.head_lines[start.skip])}). Name its columns, such as "
        f"--columns {','.join(names)}, with user_id, item_id and timestamp where they belong",
        file=text.path,
    )


def _only_delimiter(start: TableStart, text: TextFile, options: ReadOptions) -> str | None:
    """The delimiter if it is known without looking at the fields."""
    if options.delimiter is not None:
        return options.delimiter
    if start.delimiter is not None:
        return start.delimiter
    suffixes = [suffix.lower() for suffix in text.path.suffixes[-2:]]
    return "\t" if ".tsv" in suffixes or ".tab" in suffixes else None
