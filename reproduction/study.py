"""Running a plan: part after part, each in a process of its own."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bitrecall.reproduction.job import BUSY, FINISHED, INTERRUPTED, WRONG, Job
from bitrecall.reproduction.launch import launch
from bitrecall.reproduction.machine import code_version
from bitrecall.reproduction.part_selection import PlannedRun
from bitrecall.reproduction.plan import Plan
from bitrecall.reproduction.progress import Ledger, known_beforehand
from bitrecall.reproduction.results import Row
from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe import Recipe

Say = Callable[[str], None]

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
        finished: ran to their end, or are the same training as one that did.
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
        self.ledger = Ledger(plan, options.data, options.runs, options.out)

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
            if self._is_to_be_skipped(run, recipe):
                self._say(f"{heading}: finished before")
                report.skipped.append(run.name)
                continue
            twin = self._twin(run, recipe, report)
            if twin is not None:
                self._say(f"{heading}: the same training as {twin.name}")
                self.ledger.take_over(run, recipe, twin)
                report.finished.append(run.name)
                continue
            self._say(f"{heading}: about {run.part.minutes:g} min on two cores")
            code = self._options.launch(self._job(run, recipe), self._options.threads)
            if code == INTERRUPTED:
                report.interrupted = True
                break
            self._note(report, run, recipe, code)
        return report

    def _is_to_be_skipped(self, run: PlannedRun, recipe: Recipe) -> bool:
        if self._options.again:
            return False
        if self._options.skip_recorded and self.ledger.is_recorded(run, recipe):
            return True
        return self.ledger.is_finished(run, recipe)

    def _twin(self, run: PlannedRun, recipe: Recipe, report: StudyReport) -> PlannedRun | None:
        for twin in self.ledger.finished_twins(run, recipe):
            if not self._options.again or twin.name in report.finished:
                return twin
        return None

    def _job(self, run: PlannedRun, recipe: Recipe) -> Job:
        return Job(
            part=run.part.name,
            row=known_beforehand(run) | {"code_version": code_version()},
            measure=run.part.measure,
            recipe=recipe.model_dump(mode="json"),
            data=str(self.ledger.data(run.part.dataset)),
            folder=str(self.ledger.folder(run, recipe)),
            # Rows that are there and did not count are of other data: nothing of theirs is of use.
            again=self._options.again or bool(self.ledger.left(run, recipe)),
            progress_bar=self._options.progress_bar,
        )

    def _note(self, report: StudyReport, run: PlannedRun, recipe: Recipe, code: int) -> None:
        rows = self.ledger.left(run, recipe) if code == FINISHED else []
        if rows:
            self.ledger.record(rows)
            report.finished.append(run.name)
            for row in rows:
                self._say(f"  {_told(row, self.ledger.recorded_before(run))}")
        elif code == BUSY:
            report.skipped.append(run.name)
            self._say("  another process is at it")
        else:
            report.failed[run.name] = _reason(code)
            self._say(f"  {_reason(code)}")

    def _check_files(self, dataset: str) -> None:
        folder = self.ledger.data(dataset)
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


def _told(row: Row, before: Sequence[Row]) -> str:
    figures = [f"{name} {row['metrics'][name]:.4f}" for name in _SHOWN if name in row["metrics"]]
    text = f"{row['split']}: {', '.join(figures)} in {row['wall_seconds'] / 60:.1f} min"
    for old in before:
        same = old.get("variant") == row.get("variant")
        if same and "recall@50" in old["metrics"]:
            text += f" (recall@50 was {old['metrics']['recall@50']:.4f} in the results before)"
    return text


def _reason(code: int) -> str:
    if code == FINISHED:
        return "finished with another recipe: was the code changed while this command ran?"
    if code == WRONG:
        return "failed; the reason is above"
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return f"crashed with exit code {code}; the trace is above"
