"""Running a plan: which runs are finished, which go on, and what becomes of each."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from training.data.load import load_dataset
from training.errors import StudyError
from training.recipe import Recipe
from training.reproduction.job import (
    BUSY,
    FINISHED,
    INTERRUPTED,
    WRONG,
    Job,
    data_fingerprint,
    is_part_way,
    left_rows,
    run_folder,
)
from training.reproduction.launch import launch
from training.reproduction.machine import code_version
from training.reproduction.plan import Plan
from training.reproduction.results import Row, find_rows, read_results, record
from training.reproduction.selection import PlannedRun

State = Literal["done", "recorded", "part way", ""]
Say = Callable[[str], None]

_WITHOUT_A_FOLDER = "sample"
_SHOWN = ("recall@20", "recall@50", "ndcg@50")


@dataclass(frozen=True)
class StudyOptions:
    """Where a study's data and results are, and how it is run.

    Attributes:
        data: the folder of each data set, by its name; ``sample`` needs none.
        runs: where the runs' own folders are.
        out: where ``results.json`` is.
        again: run finished parts once more, from the start.
        skip_recorded: leave out runs that ``results.json`` has, whoever ran them.
        threads: how many threads a run's libraries take; None leaves that to them.
        progress_bar: show bars on stderr; None shows them only where stderr is a terminal.
        launch: what runs a job.
    """

    data: Mapping[str, Path]
    runs: Path
    out: Path
    again: bool = False
    skip_recorded: bool = False
    threads: int | None = None
    progress_bar: bool | None = None
    launch: Callable[[Job, int | None], int] = launch


@dataclass
class StudyReport:
    """What became of the runs that were asked for.

    Attributes:
        finished: ran to their end.
        skipped: were finished before, or are being run by another process.
        failed: ended otherwise, each with the reason.
        interrupted: whether a signal stopped it; runs after that one were not begun.
    """

    finished: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


class Study:
    """A plan with its folders.

    Args:
        plan: what there is to run.
        options: where and how.
        say: told what happens, line by line.

    Raises:
        StudyError: ``results.json`` is damaged.
    """

    def __init__(self, plan: Plan, options: StudyOptions, say: Say) -> None:
        self._plan = plan
        self._options = options
        self._say = say
        self._recorded = read_results(options.out)
        self._fingerprints: dict[str, str] = {}

    def state(self, run: PlannedRun) -> State:
        """How far a run is, by what its folder holds; the data set is not looked at."""
        recipe = run.part.recipe(run.seed)
        folder = run_folder(self._options.runs, run, recipe)
        if self._left(run, recipe):
            return "done"
        if is_part_way(folder):
            return "part way"
        return "recorded" if find_rows(self._recorded, run.part.name, run.seed) else ""

    def run(self, runs: Sequence[PlannedRun]) -> StudyReport:
        """Run what is not finished, one after the other; a failure does not stop the others.

        Raises:
            StudyError: a data set has no folder, or its files are not the ones of the plan.
            DataError: a data set cannot be read.
            RecipeError: a part's recipe cannot be read.
        """
        report = StudyReport()
        recipes = [run.part.recipe(run.seed) for run in runs]
        for dataset in dict.fromkeys(run.part.dataset for run in runs):
            self._check_files(dataset)
        for number, (run, recipe) in enumerate(zip(runs, recipes, strict=True), 1):
            heading = f"[{number}/{len(runs)}] {run.name}"
            if self._is_finished(run, recipe):
                self._say(f"{heading}: finished before")
                report.skipped.append(run.name)
                continue
            self._say(f"{heading}: about {run.part.minutes:g} min on two cores")
            code = self._options.launch(self._job(run, recipe), self._options.threads)
            if code == INTERRUPTED:
                report.interrupted = True
                break
            self._note(report, run, recipe, code)
        return report

    def _is_finished(self, run: PlannedRun, recipe: Recipe) -> bool:
        if self._options.again:
            return False
        if self._options.skip_recorded and self._is_recorded(run, recipe):
            return True
        left = self._left(run, recipe)
        if not left or left[0]["data_sha256"] != self._fingerprint(run.part.dataset):
            return False
        if find_rows(self._recorded, run.part.name, run.seed) != left:
            record(self._options.out, left)
        return True

    def _left(self, run: PlannedRun, recipe: Recipe) -> list[Row]:
        rows = left_rows(run_folder(self._options.runs, run, recipe))
        return rows if rows and _is_of(rows[0], run, recipe) else []

    def _is_recorded(self, run: PlannedRun, recipe: Recipe) -> bool:
        rows = find_rows(self._recorded, run.part.name, run.seed)
        return (
            bool(rows)
            and _is_of(rows[0], run, recipe)
            and rows[0].get("data_sha256") == self._fingerprint(run.part.dataset)
        )

    def _job(self, run: PlannedRun, recipe: Recipe) -> Job:
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
        row |= {"split": part.split, "code_version": code_version()}
        return Job(
            part=part.name,
            row=row,
            measure=part.measure,
            recipe=recipe.model_dump(mode="json"),
            data=str(self._data(part.dataset)),
            folder=str(run_folder(self._options.runs, run, recipe)),
            again=self._options.again or bool(self._left(run, recipe)),
            progress_bar=self._options.progress_bar,
        )

    def _note(self, report: StudyReport, run: PlannedRun, recipe: Recipe, code: int) -> None:
        if code == FINISHED:
            rows = self._left(run, recipe)
            record(self._options.out, rows)
            report.finished.append(run.name)
            before = find_rows(self._recorded, run.part.name, run.seed)
            for row in rows:
                self._say(f"  {_told(row, before)}")
        elif code == BUSY:
            report.skipped.append(run.name)
            self._say("  another process is at it")
        else:
            report.failed[run.name] = _reason(code)
            self._say(f"  {_reason(code)}")

    def _data(self, dataset: str) -> Path:
        if dataset in self._options.data:
            return self._options.data[dataset]
        if dataset == _WITHOUT_A_FOLDER:
            return Path(dataset)
        raise StudyError(f"parts of {dataset} are meant, and no folder of that data set was given")

    def _fingerprint(self, dataset: str) -> str:
        if dataset not in self._fingerprints:
            self._fingerprints[dataset] = data_fingerprint(load_dataset(self._data(dataset)))
        return self._fingerprints[dataset]

    def _check_files(self, dataset: str) -> None:
        folder = self._data(dataset)
        for name, expected in self._plan.sha256.get(dataset, {}).items():
            path = folder / name
            try:
                found = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                raise StudyError(f"{path} cannot be read: {error.strerror}") from error
            if found != expected:
                raise StudyError(
                    f"{path} is not the file that the plan is of: its sha256 is {found}, "
                    f"not {expected}"
                )


def _is_of(row: Row, run: PlannedRun, recipe: Recipe) -> bool:
    keys = {
        "part": run.part.name,
        "seed": run.seed,
        "measure": run.part.measure,
        "recipe_sha256": recipe.sha256(),
    }
    return all(row.get(key) == value for key, value in keys.items())


def _told(row: Row, before: Sequence[Row]) -> str:
    figures = [f"{name} {row['metrics'][name]:.4f}" for name in _SHOWN if name in row["metrics"]]
    text = f"{row['split']}: {', '.join(figures)} in {row['wall_seconds'] / 60:.1f} min"
    for old in before:
        same = old.get("variant") == row.get("variant")
        if same and "recall@50" in old["metrics"]:
            text += f" (recall@50 was {old['metrics']['recall@50']:.4f} in the results before)"
    return text


def _reason(code: int) -> str:
    if code == WRONG:
        return "failed; the reason is above"
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"crashed with exit code {code}; the trace is above"
