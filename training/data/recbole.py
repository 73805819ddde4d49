"""RecBole's atomic files: tabs between the fields, and a header of names with types."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from training.data.columns import find_columns
from training.data.delimited import first_record, open_text, records
from training.data.options import ReadOptions
from training.data.rows import BadRows, FileRows, Vocabulary
from training.data.table import read_records
from training.errors import DataError

__all__ = ["is_recbole_header", "read_recbole"]

TYPES = ("token", "float", "token_seq", "float_seq")


def read_recbole(
    path: Path, vocabulary: Vocabulary, bad_rows: BadRows, options: ReadOptions
) -> FileRows:
    """Read one `.inter` file; its new ids join the vocabulary in the order in which they come.

    The header is `user_id:token item_id:token timestamp:float`, in any order and with other
    columns between; user and item are tokens, a time is a float. Quotes mean nothing.

    Raises:
        DataError: the file cannot be read or is empty, its header lacks a type or a column; or a
            row is bad as in a table (unless bad rows are skipped).
    """
    header = first_record(path, "\t", quotes=False)
    if not is_recbole_header(header):
        raise DataError(
            "the header must name every column with its type, as in "
            f"user_id:token, separated by tabs; it is {' | '.join(header)}",
            file=path,
        )
    names, types = zip(*(field.strip().rsplit(":", 1) for field in header), strict=True)
    columns = find_columns(names, replace(options, columns=None), path)
    for role, place, wanted in (
        ("user", columns.user, "token"),
        ("item", columns.item, "token"),
        ("time", columns.time, "float"),
    ):
        if place is not None and types[place] != wanted:
            raise DataError(
                f"the {role} column {names[place]} has type {types[place]}, not {wanted}",
                file=path,
            )
    with open_text(path) as file:
        rows = records(file, path, "\t", quotes=False, bad_rows=bad_rows)
        next(rows)
        return read_records(rows, columns, path, vocabulary, bad_rows, options.time_unit)


def is_recbole_header(fields: list[str]) -> bool:
    """Whether every field is a name without a colon, a colon and one of RecBole's types."""
    return all(
        name and ":" not in name and kind in TYPES
        for name, _, kind in (field.strip().rpartition(":") for field in fields)
    )
