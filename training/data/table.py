"""Tables in text: CSV, TSV and their like, with named columns for user, item and time."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.columns import Columns, find_columns
from training.data.delimited import first_line, first_record, open_text, records, split_line
from training.data.options import ReadOptions, TimeUnit
from training.data.rows import BadRows, FileRows, Vocabulary, encode
from training.data.times import TimeParser, in_range, to_seconds
from training.errors import DataError

__all__ = ["DELIMITERS", "find_delimiter", "read_records", "read_table"]

DELIMITERS = (",", "\t", ";", "|", " ")


def read_table(
    path: Path, vocabulary: Vocabulary, bad_rows: BadRows, options: ReadOptions
) -> FileRows:
    """Read one file; its new ids join the vocabulary in the order in which they come.

    The first record names the columns, unless the options do. Every field is text: an id is kept
    as it is written, white space around it included.

    Raises:
        DataError: the file cannot be read, is empty, or lacks a column; or a row has another
            number of fields than the header, a blank id or a bad time, is not UTF-8, or has wrong
            quotes (unless bad rows are skipped).
    """
    delimiter = options.delimiter or find_delimiter(first_line(path), path, options) or ","
    names = options.columns or first_record(path, delimiter, quotes=True)
    columns = find_columns(names, options, path)
    with open_text(path) as file:
        rows = records(file, path, delimiter, quotes=True, bad_rows=bad_rows)
        if options.columns is None:
            next(rows)
        return read_records(rows, columns, path, vocabulary, bad_rows, options.time_unit)


def find_delimiter(line: str, path: Path, options: ReadOptions) -> str | None:
    """The delimiter that makes a line the header of a table, or None where none does.

    That is the first of comma, tab, semicolon, bar and space under which the columns of user and
    item are found, or which, where the options name the columns, gives as many fields. A `.tsv`
    file has tabs.
    """
    if path.suffix.lower() == ".tsv":
        return "\t"
    for delimiter in DELIMITERS:
        names = split_line(line, delimiter, quotes=True)
        if options.columns is not None:
            if len(names) == len(options.columns):
                return delimiter
            continue
        try:
            find_columns(names, options, path)
        except DataError:
            continue
        return delimiter
    return None


def read_records(
    rows: Iterable[tuple[int, list[str]]],
    columns: Columns,
    path: Path,
    vocabulary: Vocabulary,
    bad_rows: BadRows,
    time_unit: TimeUnit,
) -> FileRows:
    """Users, items and times of records, each given with its line.

    Raises:
        DataError: a record is bad (unless bad rows are skipped).
    """
    # Ids of this file first, since a row whose time turns out to be out of range must not leave
    # its ids in the vocabulary; numbers instead of strings keep a file of millions small.
    local = Vocabulary()
    users, items, times, lines = array("i"), array("i"), array("d"), array("q")
    local_users, local_items = local.users, local.items
    user_at, item_at, time_at, width = columns.user, columns.item, columns.time, columns.width
    parse_time = TimeParser()
    for line, fields in rows:
        if len(fields) != width:
            reason = f"has {_count(len(fields), 'field')} where the header has {width}"
            bad_rows.add(DataError(reason, file=path, line=line))
            continue
        user, item = fields[user_at], fields[item_at]
        if not user.strip() or not item.strip():
            which = "user" if not user.strip() else "item"
            bad_rows.add(DataError(f"the {which} id is empty", file=path, line=line))
            continue
        if time_at is not None:
            try:
                times.append(parse_time(fields[time_at]))
            except ValueError as error:
                bad_rows.add(DataError(str(error), file=path, line=line))
                continue
            lines.append(line)
        users.append(local_users.setdefault(user, len(local_users)))
        items.append(local_items.setdefault(item, len(local_items)))
    user_rows, item_rows = np.array(users, np.int32), np.array(items, np.int32)
    seconds = None
    if time_at is not None:
        raw = np.array(times, np.float64)
        unit = time_unit if parse_time.numbers else TimeUnit.SECONDS
        seconds = to_seconds(raw, unit)
        good = in_range(seconds)
        for row in np.flatnonzero(~good):
            reason = f"the time {raw[row]:.15g} lies outside the years 1 to 9999"
            bad_rows.add(DataError(reason, file=path, line=lines[row]))
        user_rows, item_rows, seconds = user_rows[good], item_rows[good], seconds[good]
    return FileRows(
        users=_join(user_rows, list(local_users), vocabulary.users),
        items=_join(item_rows, list(local_items), vocabulary.items),
        times=seconds,
    )


def _join(rows: NDArray[np.int32], ids: list[str], vocabulary: dict[str, int]) -> NDArray[np.int32]:
    """Rows of the file's ids as rows of the vocabulary; ids without a row do not join it."""
    present, first = np.unique(rows, return_index=True)
    in_order = present[np.argsort(first)]
    joined = np.full(len(ids), -1, np.int32)
    joined[in_order] = encode((ids[row] for row in in_order), vocabulary)
    return joined[rows]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
