"""What a child process is told to run, and what it leaves in the run's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bitrecall.disk import replace_file
from bitrecall.reproduction.part_selection import PlannedRun
from bitrecall.reproduction.results import Row
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.recipe.recipe import Recipe

_ROWS = "rows.json"

# The exit codes of a child.
FINISHED, WRONG, BUSY, INTERRUPTED = 0, 2, 75, 130


@dataclass(frozen=True)
class Job:
    """One run, in plain values.

    Attributes:
        part: name of the part.
        row: keys of the result rows that are known beforehand.
        measure: how it is scored.
        recipe: every value of the recipe.
        data: the folder or file of the data set, or ``sample``.
        folder: the run's own folder.
        again: forget what an earlier run left there.
        progress_bar: show bars on stderr; None shows them only where stderr is a terminal.
    """

    part: str
    row: Mapping[str, Any]
    measure: str
    recipe: Mapping[str, Any]
    data: str
    folder: str
    again: bool = False
    progress_bar: bool | None = None

    def to_json(self) -> str:
        """On one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The job that `to_json` wrote."""
        return cls(**json.loads(text))


def run_folder(runs: Path, run: PlannedRun, recipe: Recipe) -> Path:
    """``RUNS/PART/seed-N-RECIPE``: a changed recipe never meets another's checkpoint."""
    return runs / run.part.name / f"seed-{run.seed}-{recipe.sha256()[:8]}"


def data_fingerprint(dataset: Dataset) -> str:
    """Fingerprint of what is trained on and tested on, in hexadecimal."""
    splits = [dataset.train.sha256()]
    if dataset.test is not None:
        splits.append(dataset.test.sha256())
    return "/".join(digest[:32] for digest in splits)


def write_rows(folder: Path, rows: Sequence[Row]) -> None:
    """Leave the rows of a finished run in its folder."""
    replace_file(folder / _ROWS, json.dumps(list(rows), ensure_ascii=False) + "\n")


def left_rows(folder: Path) -> list[Row]:
    """The rows that a finished run has left in its folder; none where it is not finished."""
    try:
        rows = json.loads((folder / _ROWS).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return rows if isinstance(rows, list) else []


def is_part_way(folder: Path) -> bool:
    """Whether a run was begun there that has left a checkpoint and no rows."""
    return not left_rows(folder) and any(folder.glob("*.npz"))
