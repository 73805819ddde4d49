"""The LightGCN text format: one line per user, ``user item item …``, with white space between."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from bitrecall.events.rules import MAX_ID_LENGTH, id_fault
from bitrecall.training.data.columns.value_kinds import ValueKind, kind_of
from bitrecall.training.data.files.text_file import TextFile
from bitrecall.training.data.rows.file_rows import BadRows, FileRows, Vocabulary, encode
from bitrecall.training.errors import DataError

__all__ = ["is_lightgcn", "read_lightgcn"]

_ID: Final = re.compile(r"(?=[^0-9]*[0-9])[A-Za-z0-9_-]+")


def read_lightgcn(
    path: Path, vocabulary: Vocabulary, bad_rows: BadRows, encoding: str | None = None
) -> FileRows:
    """Read a file, and add new ids to the vocabulary in order of appearance.

    Only ASCII white space separates ids, so an id may contain any other character. A line with a
    user only adds the user to the vocabulary without a pair. A user may have several lines. Empty
    lines are ignored.

    Raises:
        DataError: the file cannot be read, or, unless bad rows are skipped, a line is not UTF-8 or
            has an invalid id.
    """
    content = b"".join(TextFile(path, encoding).blocks())
    clean = _is_utf8(content)
    line_users: list[bytes] = []
    line_lengths: list[int] = []
    flat: list[bytes] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not clean and not _is_utf8(line):
            bad_rows.add(DataError("is not UTF-8", file=path, line=number))
            continue
        tokens = line.split()
        if (b"\0" in line or len(line) > MAX_ID_LENGTH) and (fault := _fault(tokens)):
            bad_rows.add(DataError(f"an id {fault}", file=path, line=number))
            continue
        if tokens:
            line_users.append(tokens[0])
            line_lengths.append(len(tokens) - 1)
            flat += tokens[1:]
    users = encode(_decode(line_users), vocabulary.users)
    lengths = np.array(line_lengths, np.int64)
    return FileRows(
        users=np.repeat(users, lengths),
        items=encode(_decode(flat), vocabulary.items),
        users_without_items=int((lengths == 0).sum()),
    )


def is_lightgcn(lines: Sequence[str], *, likely: bool = False) -> bool:
    """Whether the lines clearly are in this format.

    All of these must hold:

    - every token is an id of letters, digits, ``_`` and ``-`` with at least one digit;
    - single spaces separate the tokens;
    - no user has two lines;
    - the lines differ in length, unlike rows of a table, or each has at least four numbers and no
      column contains times.

    Lines of two numbers are accepted too: they are a user and an item in every format.

    Args:
        lines: the first lines of a file.
        likely: whether other files of the data set have this format; the first condition is then
            enough.
    """
    rows = [line.strip().split(" ") for line in lines if line.strip()]
    if likely:
        return all(_ID.fullmatch(token) for row in rows for token in row)
    if len(rows) < 2 or not all(_ID.fullmatch(token) for row in rows for token in row):
        return False
    lengths = {len(row) for row in rows}
    numbers = all(token.isdigit() for row in rows for token in row)
    if lengths == {2}:
        return numbers
    users = [row[0] for row in rows]
    if len(set(users)) < len(users):
        return False
    if len(lengths) > 1:
        return True
    columns = zip(*rows, strict=True)
    return (
        numbers
        and min(lengths) > 3
        and all(kind_of(column) is not ValueKind.TIME for column in columns)
    )


def _fault(tokens: Sequence[bytes]) -> str | None:
    """Describe the first invalid id of a line; None if all are valid."""
    faults = (id_fault(token.decode()) for token in tokens)
    return next((fault for fault in faults if fault is not None), None)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode(tokens: list[bytes]) -> list[str]:
    # Joining first is about ten times faster than decoding a million tokens one by one.
    return b"\n".join(tokens).decode().split("\n") if tokens else []
