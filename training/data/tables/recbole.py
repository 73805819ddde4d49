"""RecBole's atomic files: tab-separated, with a header of names and types."""

from __future__ import annotations

from dataclasses import replace

from bitrecall.training.data.columns.column_names import find_columns
from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.tables.csv_records import split_line
from bitrecall.training.data.tables.delimited import DelimitedSource
from bitrecall.training.errors import DataError

__all__ = ["is_recbole_header", "recbole_source"]

TYPES = ("token", "float", "token_seq", "float_seq")


def recbole_source(text: TextFile, options: ReadOptions) -> DelimitedSource:
    """Open an ``.inter`` file.

    The header is ``user_id:token item_id:token timestamp:float``, in any order and with any other
    columns. User and item are tokens, and the time is a float. Quotes are ordinary characters.

    Raises:
        DataError: the file cannot be read or is empty, its header lacks a type or a column, or a
            column has the wrong type.
    """
    path = text.path
    number, line = next(
        ((number, line) for number, line in enumerate(text.head_lines, start=1) if line.strip()),
        (0, ""),
    )
    if not number:
        raise DataError("is empty", file=path)
    header = split_line(line, "\t", quotes=False)
    if not is_recbole_header(header):
        raise DataError(
            "the header must name every column with its type, such as user_id:token, separated by "
            f"tabs; it is {' | '.join(header)}. If the file is another table, pass --format table",
            file=path,
        )
    names, types = zip(*(field.strip().rsplit(":", 1) for field in header), strict=True)
    columns = find_columns(names, replace(options, columns=None), path)
    for role, name, expected in (
        ("user", columns.user, "token"),
        ("item", columns.item, "token"),
        ("time", columns.time, "float"),
    ):
        if name is not None and types[names.index(name)] != expected:
            raise DataError(
                f"the {role} column {name} has type {types[names.index(name)]}, not {expected}",
                file=path,
            )
    return DelimitedSource(text, names, "\t", quotes=False, skip=number)


def is_recbole_header(fields: list[str]) -> bool:
    """Whether every field is a name without colons, followed by a colon and a RecBole type."""
    return all(
        name and ":" not in name and kind in TYPES
        for name, _, kind in (field.strip().rpartition(":") for field in fields)
    )
