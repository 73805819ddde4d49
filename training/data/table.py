"""Tables in text: CSV, TSV and their like, with named columns for user, item and time."""

from __future__ import annotations

from pathlib import Path

from training.data.columns import find_columns
from training.data.delimited import DelimitedSource, first_line, first_record, split_line
from training.data.options import ReadOptions
from training.errors import DataError

__all__ = ["DELIMITERS", "find_delimiter", "table_source"]

DELIMITERS = (",", "\t", ";", "|", " ")


def table_source(path: Path, options: ReadOptions) -> DelimitedSource:
    """Open a table; the first record names the columns, unless the options do.

    Raises:
        DataError: the file cannot be read or is empty, or its header is no record.
    """
    delimiter = options.delimiter or find_delimiter(first_line(path), path, options) or ","
    if options.columns is not None:
        return DelimitedSource(path, options.columns, delimiter, quotes=True, skip=0)
    end, names = first_record(path, delimiter, quotes=True)
    return DelimitedSource(path, names, delimiter, quotes=True, skip=end)


def find_delimiter(line: str, path: Path, options: ReadOptions) -> str | None:
    """The delimiter that makes a line the header of a table, or None if none does.

    That is the first of comma, tab, semicolon, bar and space under which the columns of user and
    item are found, or which, if the options name the columns, gives as many fields. A `.tsv`
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
