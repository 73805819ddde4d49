"""Detect the format of a file, and open it with the matching reader."""

from __future__ import annotations

import json
from pathlib import Path

from bitrecall.training.data.files.compression import open_content
from bitrecall.training.data.files.foreign_formats import refuse_foreign_text
from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.read_options import Format, ReadOptions
from bitrecall.training.data.tables.csv_records import not_utf8
from bitrecall.training.data.tables.delimited import DelimitedSource
from bitrecall.training.data.tables.delimited_layout import Layout, find_layout
from bitrecall.training.data.tables.json_records import JsonSource
from bitrecall.training.data.tables.lightgcn_text import is_lightgcn
from bitrecall.training.data.tables.parquet import ParquetSource
from bitrecall.training.data.tables.recbole import is_recbole_header, recbole_source
from bitrecall.training.data.tables.table_source import TableSource
from bitrecall.training.errors import DataError

__all__ = ["open_source"]

_TABLES = (".csv", ".tsv", ".tab")


def open_source(
    path: Path, options: ReadOptions, fallback: Format | None = None
) -> TableSource | None:
    """Open a file of interactions; None stands for the LightGCN text format.

    The format of the options is used if they name one. Otherwise the content decides, and the
    suffix only if the content is ambiguous.

    Args:
        path: the file.
        options: how to read it.
        fallback: format of an earlier file of the data set, used if the content is ambiguous.

    Raises:
        DataError: the file cannot be read, its format is unknown, or it lacks a required part.
    """
    if options.format is Format.PARQUET or _is_parquet(path):
        return ParquetSource(path)
    text = TextFile(path, options.encoding)
    start = text.head.lstrip()
    if not start:
        raise DataError("is empty", file=path)
    match options.format:
        case Format.LIGHTGCN:
            return None
        case Format.JSON:
            return JsonSource(text)
        case Format.RECBOLE:
            return recbole_source(text, options)
        case Format.TABLE:
            return _table(text, find_layout(text, options))
    suffixes = {suffix.lower() for suffix in path.suffixes[-2:]}
    if suffixes & {".parquet", ".pq"}:
        refuse_foreign_text(start, path)
        raise DataError(
            "does not begin with PAR1, as Parquet does; for another format, pass --format, such as "
            "--format table",
            file=path,
        )
    if start[0] in "{[":
        return JsonSource(text)
    if ".inter" in suffixes or is_recbole_header(start.split("\n", 1)[0].split("\t")):
        return recbole_source(text, options)
    certain = options.columns is not None or bool(suffixes & set(_TABLES))
    # Checked first, because lines of numbers also look like a table without a header.
    if not certain and is_lightgcn(text.head_lines, likely=fallback is Format.LIGHTGCN):
        return None
    refuse_foreign_text(start, path)
    _refuse_other_encoding(text)
    if options.columns is None:
        _refuse_json_after_text(text)
    layout = find_layout(text, options, certain=certain)
    if layout is not None:
        return _table(text, layout)
    if fallback is Format.LIGHTGCN:
        return None
    first = next(line for line in text.head_lines if line.strip()).strip()
    raise DataError(
        f"has an unknown format: its first line is {first[:80]!r}. If it is a table without a "
        "header, name its columns, such as --columns user_id,item_id. If each line is a user and "
        "the user's items (user item item ...), pass --format lightgcn",
        file=path,
    )


def _refuse_other_encoding(text: TextFile) -> None:
    """Reject a file whose first line is not UTF-8: its format cannot be detected."""
    number, line = next(
        (at, line) for at, line in enumerate(text.head_lines, start=1) if line.strip()
    )
    if (reason := not_utf8(line)) is not None:
        raise DataError(reason, file=text.path, line=number)


def _refuse_json_after_text(text: TextFile) -> None:
    """Reject lines with JSON after other text, as in dumps of queues and logs."""
    lines = [line for line in text.head_lines if line.strip()][:5]
    parts = [line.partition("{") for line in lines]
    for prefix, brace, remainder in parts:
        try:
            if not prefix.strip() or not isinstance(json.loads(brace + remainder), dict):
                return
        except (json.JSONDecodeError, RecursionError):
            return
    raise DataError(
        f"has JSON after other text in each line ({parts[0][0]!r} in the first); keep only the "
        "JSON: sed 's/^[^{]*//' FILE > FILE.ndjson",
        file=text.path,
    )


def _table(text: TextFile, layout: Layout | None) -> DelimitedSource:
    if layout is None:
        raise DataError("is not a table", file=text.path)
    return DelimitedSource(
        text,
        layout.names,
        layout.delimiter,
        quotes=layout.quotes,
        skip=layout.skip,
        notes=layout.notes,
    )


def _is_parquet(path: Path) -> bool:
    with open_content(path) as file:
        return file.read(4) == b"PAR1"
