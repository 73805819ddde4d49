"""What is finished already: by the runs' own folders, and by ``results.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from bitrecall.reproduction.job import (
    data_fingerprint,
    is_part_way,
    left_rows,
    run_folder,
    write_rows,
)
from bitrecall.reproduction.part_selection import PlannedRun
from bitrecall.reproduction.plan import Plan
from bitrecall.reproduction.results import Row, find_rows, read_results, record
from bitrecall.training.data.load import load_dataset
from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe import Recipe

State = Literal["done", "recorded", "outdated", "part way", ""]

_WITHOUT_A_FOLDER = "sample"


class Ledger:
    """The rows of a plan's runs.

    Args:
        plan: what there is to run.
        data: the folder of each data set, by its name; ``sample`` needs none.
        runs: where the runs' own folders are.
        out: where ``results.json`` is.

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
        """How far a run is; the data set is not looked at.

        ``done`` and ``part way`` are what its folder holds. Of ``results.json`` alone it is
        ``recorded``, and ``outdated`` where that row is of another recipe.
        """
        recipe = run.part.recipe(run.seed)
        if self.left(run, recipe):
            return "done"
        if is_part_way(self.folder(run, recipe)):
            return "part way"
        rows = self.recorded_before(run)
        if not rows:
            return ""
        return "recorded" if _is_of(rows[0], run, recipe) else "outdated"

    def folder(self, run: PlannedRun, recipe: Recipe) -> Path:
        """The run's own folder."""
        return run_folder(self._runs, run, recipe)

    def data(self, dataset: str) -> Path:
        """Where a data set is; StudyError where that was not said."""
        if dataset in self._data:
            return self._data[dataset]
        if dataset == _WITHOUT_A_FOLDER:
            return Path(dataset)
        raise StudyError(f"parts of {dataset} are meant, and no folder of that data set was given")

    def left(self, run: PlannedRun, recipe: Recipe) -> list[Row]:
        """The rows that the run has left in its folder, of this recipe, whatever the data."""
        rows = left_rows(self.folder(run, recipe))
        return rows if rows and _is_of(rows[0], run, recipe) else []

    def recorded_before(self, run: PlannedRun) -> list[Row]:
        """The rows that ``results.json`` had of the run, whatever the recipe, at the beginning."""
        return find_rows(self._before, run.part.name, run.seed)

    def is_finished(self, run: PlannedRun, recipe: Recipe) -> bool:
        """Whether the run's folder has its rows, of this data; then ``results.json`` has them."""
        rows = self.left(run, recipe)
        if not self._is_of_the_data(rows, run):
            return False
        if self.recorded_before(run) != rows:
            self.record(rows)
        return True

    def is_recorded(self, run: PlannedRun, recipe: Recipe) -> bool:
        """Whether ``results.json`` had the run, of this recipe and data, whoever ran it."""
        rows = self.recorded_before(run)
        return bool(rows) and _is_of(rows[0], run, recipe) and self._is_of_the_data(rows, run)

    def finished_twins(self, run: PlannedRun, recipe: Recipe) -> list[PlannedRun]:
        """Finished runs of other parts that train and measure the very same."""
        found = []
        for other in self._plan.parts:
            twin = PlannedRun(other, run.seed)
            if other.name == run.part.name or not _alike(twin, run, recipe):
                continue
            rows = self.left(twin, recipe)
            if self._is_of_the_data(rows, run) and rows[0].get("variant") == other.variant:
                found.append(twin)
        return found

    def take_over(self, run: PlannedRun, recipe: Recipe, twin: PlannedRun) -> None:
        """Leave and record a twin's rows as this run's, saying so."""
        rows = [
            {**row, **known_beforehand(run), "same_run_as": row.get("same_run_as", row["part"])}
            for row in self.left(twin, recipe)
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


def known_beforehand(run: PlannedRun) -> dict[str, Any]:
    """What a row says of its part."""
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
