"""``results.json``: one object per run and line, in a stable order."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bitrecall.disk import replace_file
from bitrecall.training.errors import StudyError

Row = Mapping[str, Any]
"""A result of a run; docs/reproduction/README.md describes its keys."""

FILE = "results.json"
_KEYS = ("part", "dataset", "method", "bits", "seed", "study", "split", "metrics")


def read_results(folder: Path) -> list[Row]:
    """Read the rows of ``results.json`` in a folder; empty if the file does not exist.

    Raises:
        StudyError: the file is not a list of rows.
    """
    path = folder / FILE
    try:
        rows = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise StudyError(f"{path} cannot be read: {error}") from error
    if not isinstance(rows, list):
        raise StudyError(f"{path} is not a list of rows")
    for row in rows:
        if not isinstance(row, dict) or any(key not in row for key in _KEYS):
            raise StudyError(f"{path} has a row without {', '.join(_KEYS)}")
    return rows


def record(folder: Path, rows: Sequence[Row]) -> None:
    """Write rows to ``results.json``, replacing all earlier rows of the same runs.

    Several processes may record at the same time; a crash leaves the old file or the new one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        replaced = {(row["part"], row["seed"]) for row in rows}
        old = [row for row in read_results(folder) if (row["part"], row["seed"]) not in replaced]
        ordered = sorted([*old, *rows], key=_in_order)
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in ordered)
        replace_file(folder / FILE, f"[\n{lines}\n]\n")


def find_rows(rows: Sequence[Row], part: str, seed: int) -> list[Row]:
    """Return the rows of one run: several if it has several measurements."""
    return [row for row in rows if row["part"] == part and row["seed"] == seed]


def _in_order(row: Row) -> tuple[Any, ...]:
    # The sort is stable: measurements of one run keep their order.
    return _natural(row["part"]), row["seed"]


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Return a sort key by which 64 comes before 256, and digits before letters."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", text)
    return [(0, int(piece), "") if piece[0].isdigit() else (1, 0, piece) for piece in pieces]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
