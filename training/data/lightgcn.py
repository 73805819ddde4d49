"""The LightGCN text format: one line a user, `user item item …`, separated by white space."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from training.data.rows import BadRows, FileRows, Vocabulary, encode, read_bytes
from training.errors import DataError

__all__ = ["read_lightgcn"]


def read_lightgcn(path: Path, vocabulary: Vocabulary, bad_rows: BadRows) -> FileRows:
    """Read one file; its new ids join the vocabulary in the order in which they come.

    Separators are ASCII white space only, so that an id may hold any other character. A line
    with a user alone puts the user into the vocabulary, without a pair; the items of a user who
    has several lines add up. Empty lines count for nothing.

    Raises:
        DataError: the file cannot be read, or a line is not UTF-8 (unless bad rows are skipped).
    """
    content = read_bytes(path)
    clean = _is_utf8(content)
    line_users: list[bytes] = []
    line_lengths: list[int] = []
    flat: list[bytes] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not clean and not _is_utf8(line):
            bad_rows.add(DataError("is not UTF-8", file=path, line=number))
            continue
        tokens = line.split()
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


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decode(tokens: list[bytes]) -> list[str]:
    # Joining first is some ten times faster than decoding a million tokens one by one.
    return b"\n".join(tokens).decode().split("\n") if tokens else []
