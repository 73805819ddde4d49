"""The progress of a study, from the folders of its runs and from ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from bitrecall.reproduction.job import (
    data_fingerprint,
    is_interrupted,
    read_rows,
    run_folder,
    write_rows,
)
from bitrecall.reproduction.part_selection import PlannedRun
from bitrecall.reproduction.plan import Plan
from bitrecall.reproduction.results import Row, find_rows, read_results, record
from bitrecall.training.data.load import load_dataset
from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe import Recipe

State = Literal["done", "recorded", "outdated", "interrupted", ""]

_WITHOUT_A_FOLDER = "sample"


class StudyProgress:
    """The rows of the runs of a plan.

    Args:
        plan: the plan.
        data: the folder of each data set by name; ``sample`` needs none.
        runs: the folder of the runs' folders.
        out: the folder of ``results.json``.

    Raises:
        StudyError: ``results.json`` is damaged.
    """

    def __init__(self, plan: Plan, data: Mapping[str, Path], runs: Path, out: Path) -> None:
        self._plan = plan
        self._data = data
        self._runs = runs
        self._out = out
        self._before = read_results(out)
        self._fingerprints: dict[str, str] = {}

    def state(self, run: PlannedRun) -> State:
        """Return the state of a run, without reading the data set.

        ``done``: its folder has rows of this recipe; ``interrupted``: its folder has a checkpoint;
        ``recorded``: only ``results.json`` has its rows; ``outdated``: those rows have another
        recipe; empty: the run has not started.
        """
        recipe = run.part.recipe(run.seed)
        if self.rows_in_folder(run, recipe):
            return "done"
        if is_interrupted(self.folder(run, recipe)):
            return "interrupted"
        rows = self.recorded_rows(run)
        if not rows:
            return ""
        return "recorded" if _is_of(rows[0], run, recipe) else "outdated"

    def folder(self, run: PlannedRun, recipe: Recipe) -> Path:
        """Return the folder of a run."""
        return run_folder(self._runs, run, recipe)

    def data(self, dataset: str) -> Path:
        """Return the folder of a data set.

        Raises:
            StudyError: the folder is unknown.
        """
        if dataset in self._data:
            return self._data[dataset]
        if dataset == _WITHOUT_A_FOLDER:
            return Path(dataset)
        raise StudyError(f"the selected parts need the data set {dataset}: pass its folder")

    def rows_in_folder(self, run: PlannedRun, recipe: Recipe) -> list[Row]:
        """Return the rows in the run's folder with this recipe, for any data."""
        rows = read_rows(self.folder(run, recipe))
        return rows if rows and _is_of(rows[0], run, recipe) else []

    def recorded_rows(self, run: PlannedRun) -> list[Row]:
        """Return the run's rows in ``results.json`` at the start, for any recipe."""
        return find_rows(self._before, run.part.name, run.seed)

    def is_finished(self, run: PlannedRun, recipe: Recipe) -> bool:
        """Return whether the run's folder has rows of this data; if so, record them."""
        rows = self.rows_in_folder(run, recipe)
        if not self._is_of_the_data(rows, run):
            return False
        if self.recorded_rows(run) != rows:
            self.record(rows)
        return True

    def is_recorded(self, run: PlannedRun, recipe: Recipe) -> bool:
        """Return whether ``results.json`` had the run with this recipe and data."""
        rows = self.recorded_rows(run)
        return bool(rows) and _is_of(rows[0], run, recipe) and self._is_of_the_data(rows, run)

    def finished_twins(self, run: PlannedRun, recipe: Recipe) -> list[PlannedRun]:
        """Return finished runs of other parts with the same training and measure."""
        twins = []
        for other in self._plan.parts:
            twin = PlannedRun(other, run.seed)
            if other.name == run.part.name or not _alike(twin, run, recipe):
                continue
            rows = self.rows_in_folder(twin, recipe)
            if self._is_of_the_data(rows, run) and rows[0].get("variant") == other.variant:
                twins.append(twin)
        return twins

    def copy_rows(self, run: PlannedRun, recipe: Recipe, twin: PlannedRun) -> None:
        """Write and record the rows of a twin as those of this run, with ``same_run_as``."""
        rows = [
            {**row, **part_fields(run), "same_run_as": row.get("same_run_as", row["part"])}
            for row in self.rows_in_folder(twin, recipe)
        ]
        folder = self.folder(run, recipe)
        folder.mkdir(parents=True, exist_ok=True)
        write_rows(folder, rows)
        self.record(rows)

    def record(self, rows: Sequence[Row]) -> None:
        """Put rows into ``results.json``."""
        record(self._out, rows)

    def _is_of_the_data(self, rows: Sequence[Row], run: PlannedRun) -> bool:
        return bool(rows) and rows[0].get("data_sha256") == self._fingerprint(run.part.dataset)

    def _fingerprint(self, dataset: str) -> str:
        if dataset not in self._fingerprints:
            self._fingerprints[dataset] = data_fingerprint(load_dataset(self.data(dataset)))
        return self._fingerprints[dataset]


def part_fields(run: PlannedRun) -> dict[str, Any]:
    """Return the fields of a row that describe its part."""
    part = run.part
    row: dict[str, Any] = {
        "part": part.name,
        "dataset": part.dataset,
        "method": part.method,
        "bits": part.bits,
        "seed": run.seed,
        "study": part.study,
    }
    if part.variant is not None:
        row["variant"] = part.variant
    return row | {"split": part.split}


def _is_of(row: Row, run: PlannedRun, recipe: Recipe) -> bool:
    keys = {"part": run.part.name, "seed": run.seed, "measure": run.part.measure}
    if not all(row.get(key) == value for key, value in keys.items()):
        return False
    try:
        recorded = Recipe.model_validate(row.get("recipe"))
    except ValidationError:
        return False
    return recorded.trained() == recipe.trained()


def _alike(twin: PlannedRun, run: PlannedRun, recipe: Recipe) -> bool:
    part, other = run.part, twin.part
    same_measure = (other.dataset, other.measure) == (part.dataset, part.measure)
    return same_measure and other.recipe(run.seed) == recipe
