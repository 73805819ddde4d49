"""Run the parts of a plan one after another, each in a separate process."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bitrecall.reproduction.job import BUSY, FAILED, FINISHED, INTERRUPTED, Job
from bitrecall.reproduction.launch import launch
from bitrecall.reproduction.machine import code_version
from bitrecall.reproduction.part_selection import PlannedRun
from bitrecall.reproduction.plan import Plan
from bitrecall.reproduction.progress import StudyProgress, part_fields
from bitrecall.reproduction.results import Row
from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe import Recipe

PrintLine = Callable[[str], None]

_SHOWN = ("recall@20", "recall@50", "ndcg@50")


@dataclass(frozen=True)
class StudyOptions:
    """Folders and options of a study.

    Attributes:
        data: the folder of each data set by name; ``sample`` needs none.
        runs: the folder of the runs' folders.
        out: the folder of ``results.json``.
        again: run finished parts again, from the start.
        skip_recorded: skip runs that ``results.json`` has, also without a folder.
        threads: number of threads of a run's libraries; None for their defaults.
        progress_bar: show progress bars on stderr; None shows them only on a terminal.
        launch: function that runs a job.
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
    """The outcomes of the selected runs.

    Attributes:
        finished: runs that finished, or are identical to one that did.
        skipped: runs that were finished before, or that another process is running.
        failed: failed runs, each with the reason.
        interrupted: whether a signal stopped the study; later runs were not started.
    """

    finished: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


class Study:
    """Runs parts of a plan.

    Args:
        plan: the plan.
        options: folders and options.
        print_line: prints a line of progress.

    Raises:
        StudyError: ``results.json`` is damaged.
    """

    def __init__(self, plan: Plan, options: StudyOptions, print_line: PrintLine) -> None:
        self._plan = plan
        self._options = options
        self._print = print_line
        self.progress = StudyProgress(plan, options.data, options.runs, options.out)

    def run(self, runs: Sequence[PlannedRun]) -> StudyReport:
        """Run unfinished runs one after another; a failure does not stop the others.

        Raises:
            StudyError: a data set has no folder, or its files differ from those of the plan.
            DataError: a data set cannot be read.
            RecipeError: a part's recipe cannot be read.
        """
        report = StudyReport()
        recipes = [run.part.recipe(run.seed) for run in runs]
        for dataset in dict.fromkeys(run.part.dataset for run in runs):
            self._check_files(dataset)
        for number, (run, recipe) in enumerate(zip(runs, recipes, strict=True), 1):
            heading = f"[{number}/{len(runs)}] {run.name}"
            if self._is_to_be_skipped(run, recipe):
                self._print(f"{heading}: finished before")
                report.skipped.append(run.name)
                continue
            twin = self._twin(run, recipe, report)
            if twin is not None:
                self._print(f"{heading}: the same training as {twin.name}")
                self.progress.copy_rows(run, recipe, twin)
                report.finished.append(run.name)
                continue
            self._print(f"{heading}: about {run.part.minutes:g} min on two cores")
            code = self._options.launch(self._job(run, recipe), self._options.threads)
            if code == INTERRUPTED:
                report.interrupted = True
                break
            self._record_outcome(report, run, recipe, code)
        return report

    def _is_to_be_skipped(self, run: PlannedRun, recipe: Recipe) -> bool:
        if self._options.again:
            return False
        if self._options.skip_recorded and self.progress.is_recorded(run, recipe):
            return True
        return self.progress.is_finished(run, recipe)

    def _twin(self, run: PlannedRun, recipe: Recipe, report: StudyReport) -> PlannedRun | None:
        for twin in self.progress.finished_twins(run, recipe):
            if not self._options.again or twin.name in report.finished:
                return twin
        return None

    def _job(self, run: PlannedRun, recipe: Recipe) -> Job:
        return Job(
            part=run.part.name,
            row=part_fields(run) | {"code_version": code_version()},
            measure=run.part.measure,
            recipe=recipe.model_dump(mode="json"),
            data=str(self.progress.data(run.part.dataset)),
            folder=str(self.progress.folder(run, recipe)),
            # Rows in the folder that did not count are of other data, and so is its checkpoint.
            again=self._options.again or bool(self.progress.rows_in_folder(run, recipe)),
            progress_bar=self._options.progress_bar,
        )

    def _record_outcome(
        self, report: StudyReport, run: PlannedRun, recipe: Recipe, code: int
    ) -> None:
        rows = self.progress.rows_in_folder(run, recipe) if code == FINISHED else []
        if rows:
            self.progress.record(rows)
            report.finished.append(run.name)
            for row in rows:
                self._print(f"  {_result_line(row, self.progress.recorded_rows(run))}")
        elif code == BUSY:
            report.skipped.append(run.name)
            self._print("  another process is running it")
        else:
            report.failed[run.name] = _reason(code)
            self._print(f"  {_reason(code)}")

    def _check_files(self, dataset: str) -> None:
        folder = self.progress.data(dataset)
        for name, expected in self._plan.sha256.get(dataset, {}).items():
            path = folder / name
            try:
                actual = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError as error:
                raise StudyError(f"{path} cannot be read: {error.strerror}") from error
            if actual != expected:
                raise StudyError(
                    f"{path} differs from the file of the plan: its sha256 is {actual}, "
                    f"expected {expected}"
                )


def _result_line(row: Row, before: Sequence[Row]) -> str:
    figures = [f"{name} {row['metrics'][name]:.4f}" for name in _SHOWN if name in row["metrics"]]
    text = f"{row['split']}: {', '.join(figures)} in {row['wall_seconds'] / 60:.1f} min"
    for old in before:
        same = old.get("variant") == row.get("variant")
        if same and "recall@50" in old["metrics"]:
            text += f" (recall@50 was {old['metrics']['recall@50']:.4f} in the previous results)"
    return text


def _reason(code: int) -> str:
    if code == FINISHED:
        return "finished with another recipe: did the code change while this command ran?"
    if code == FAILED:
        return "failed; the error is above"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"crashed with exit code {code}; the stack trace is above"
