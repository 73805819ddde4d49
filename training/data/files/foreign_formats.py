"""Refuse files in unsupported formats, recognised by their first bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from bitrecall.training.errors import DataError

__all__ = ["refuse_foreign", "refuse_foreign_text"]

_AS_TABLE: Final = "save its table as CSV or Parquet"
_UNPACK: Final = "unpack it first"
_SIGNATURES: Final = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\x04\x22\x4d\x18", "compressed with LZ4", _UNPACK),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with Snappy", _UNPACK),
    (b"\x89LZO\x00\r\n\x1a\n", "compressed with LZO", _UNPACK),
    (b"\x1f\x9d", "compressed with compress (.Z)", _UNPACK),
    (b"ORC", "an ORC file", _AS_TABLE),
    (b"Obj\x01", "an Avro file", _AS_TABLE),
    (b"ARROW1", "an Arrow or Feather file", _AS_TABLE),
    (b"FEA1", "a Feather file", _AS_TABLE),
    (b"PARE", "an encrypted Parquet file", "decrypt it first"),
    (
        b"SQLite format 3\x00",
        "a SQLite database",
        "give its URL, sqlite:///PATH, and --query 'select user_id, item_id, at from orders'",
    ),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", _AS_TABLE),
    (b"\x93NUMPY", "a NumPy array", _AS_TABLE),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook", "save the sheet as CSV"),
    (b"PGDMP", "a pg_dump archive", "restore it, and export the table as CSV"),
    (b"RDX", "an R data file", _AS_TABLE),
    (b"RDA", "an R data file", _AS_TABLE),
    (b"MATLAB 5.0", "a MATLAB file", _AS_TABLE),
    (b"$FL2", "an SPSS file", _AS_TABLE),
    (b"%PDF", "a PDF", "export the table as CSV"),
    (b"\x89PNG", "an image", "expected a table"),
    (b"\xff\xd8\xff", "an image", "expected a table"),
    (b"\x7fELF", "a program", "expected a table"),
)
_PICKLE: Final = re.compile(rb"\x80[\x02-\x05](?:\x95|[c}\]()\x8c]|K|X)")
_TEXTS: Final = (
    (
        r"version https://git-lfs\.github\.com/spec/",
        "a Git LFS pointer instead of the file; run git lfs pull",
    ),
    (r"<!doctype html|<html|<head|<body", "a web page, not data; download the file itself"),
    (r"<\?xml|<[a-z]+(?: [a-z]+=\"[^\"]*\")*>\s*<", "XML; export the table as CSV or JSON lines"),
    (
        r"(?:--[^\n]*\n|/\*[^\n]*\n|\s)*(?:insert into|create table|drop table|copy \S+ \(|"
        r"pragma |set (?:names|statement_timeout|sql_mode)|use `|lock tables|begin;)|"
        r"-- (?:mysql|mariadb|postgresql) (?:database )?dump",
        "an SQL dump; load it into a database, and read the database or export the table as CSV",
    ),
    (
        r"\d+:\r?\n",
        "the Netflix Prize format, one block of ratings per item; write the item in each row, such "
        "as user_id,item_id,timestamp",
    ),
    (
        r"[^\n]*\|[^\n]*\n[ :|+-]*-[ :|+-]*(?:\n|\Z)",
        "a table drawn with lines (Markdown, psql); export it as CSV",
    ),
    (r"@relation\b", "an ARFF file; save it as CSV"),
    (r"%%matrixmarket", "a Matrix Market file; save it as a table of user_id,item_id"),
    (
        r"(?:(?:error|fatal|exception|warning|access denied|permission denied|traceback)\b|"
        r"(?:curl|bash|sh|psql|mysql|gsutil|aws): |40[34] (?:not found|forbidden))"
        r"[^\n,\t;|]*(?:\n|\Z)",
        "the text of an error message, not data",
    ),
)
_FOREIGN_TEXTS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), what) for pattern, what in _TEXTS
)


def refuse_foreign(start: bytes, path: Path) -> None:
    """Refuse a file whose first bytes show an unsupported format.

    Args:
        start: the first 512 bytes, fewer for a shorter file.
        path: the file, for the message.

    Raises:
        DataError: the format is unsupported; the message names it and a remedy.
    """
    for magic, what, advice in _SIGNATURES:
        if start.startswith(magic):
            raise DataError(f"is {what}; {advice}", file=path)
    if start[257:262] == b"ustar":
        raise DataError(f"is a tar archive; {_UNPACK}", file=path)
    if start[8:12] == b"DUCK":
        raise DataError(f"is a DuckDB database; {_AS_TABLE}", file=path)
    if _PICKLE.match(start):
        raise DataError(
            f"is a Python pickle, which can run any code when loaded; {_AS_TABLE}", file=path
        )


def refuse_foreign_text(text: str, path: Path) -> None:
    """Refuse a text whose beginning shows that it is not a table.

    Args:
        text: the beginning of the file.
        path: the file, for the message.

    Raises:
        DataError: the text is not a table; the message describes it.
    """
    for pattern, what in _FOREIGN_TEXTS:
        if pattern.match(text.lstrip()):
            raise DataError(f"looks like {what}", file=path)
    if "\0" in text[:4096]:
        utf16 = text[:4096:2].count("\0") in (0, len(text[:4096:2])) and len(text) > 1
        hint = "; if it is UTF-16, pass --encoding utf-16-le or utf-16-be" if utf16 else ""
        raise DataError(f"looks like binary data, not text{hint}", file=path)
