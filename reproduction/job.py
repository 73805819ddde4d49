"""The job of a worker process, and the rows that it writes to the run's folder."""

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

# Exit codes of a worker process.
FINISHED, FAILED, BUSY, INTERRUPTED = 0, 2, 75, 130


@dataclass(frozen=True)
class Job:
    """One run, as values that JSON can hold.

    Attributes:
        part: name of the part.
        row: fields of the result rows that are known before the run.
        measure: how it is scored.
        recipe: every value of the recipe.
        data: the folder or file of the data set, or ``sample``.
        folder: the run's folder.
        again: clear the folder first.
        progress_bar: show progress bars on stderr; None shows them only on a terminal.
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
        """Return the job as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the output of ``to_json``."""
        return cls(**json.loads(text))


def run_folder(runs: Path, run: PlannedRun, recipe: Recipe) -> Path:
    """Return ``RUNS/PART/seed-N-RECIPE``, so that no recipe resumes another's checkpoint."""
    return runs / run.part.name / f"seed-{run.seed}-{recipe.sha256()[:8]}"


def data_fingerprint(dataset: Dataset) -> str:
    """Return the hexadecimal fingerprint of the train and test splits."""
    splits = [dataset.train.sha256()]
    if dataset.test is not None:
        splits.append(dataset.test.sha256())
    return "/".join(digest[:32] for digest in splits)


def write_rows(folder: Path, rows: Sequence[Row]) -> None:
    """Write the rows of a finished run to its folder."""
    replace_file(folder / _ROWS, json.dumps(list(rows), ensure_ascii=False) + "\n")


def read_rows(folder: Path) -> list[Row]:
    """Read the rows of a finished run from its folder; empty if it is not finished."""
    try:
        rows = json.loads((folder / _ROWS).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return rows if isinstance(rows, list) else []


def is_interrupted(folder: Path) -> bool:
    """Return whether the folder has a checkpoint but no rows."""
    return not read_rows(folder) and any(folder.glob("*.npz"))
