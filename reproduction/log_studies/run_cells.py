"""Runs cells, and records their rows in ``results.json``."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Literal

from bitrecall.errors import BitrecallError
from bitrecall.reproduction.job import data_fingerprint
from bitrecall.reproduction.log_studies.cell import Cell, CellRun, Measured
from bitrecall.reproduction.machine import code_version, machine
from bitrecall.reproduction.results import Row, find_rows, read_results, record
from bitrecall.reproduction.run_history import SESSION_ENDED, SESSION_STARTED, history, rounded
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.load import load_dataset
from bitrecall.training.errors import InterruptedTraining
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.runtime.peak_memory import peak_rss_mib
from bitrecall.training.runtime.training_log import TrainingLog

State = Literal["done", "outdated", ""]

_RECIPE = "default"
_LOG = "log.jsonl"


@dataclass(frozen=True)
class CellOptions:
    """Which data, and where results go.

    Attributes:
        data: path of each data set by name.
        runs: folder of the cells' folders.
        out: folder of ``results.json``.
        seed: seed of all cells.
        overrides: values of the recipe, as KEY=VALUE.
        again: run finished cells again.
        progress_bar: show progress bars on stderr; None shows them only on a terminal.
    """

    data: Mapping[str, Path]
    runs: Path
    out: Path
    seed: int = 0
    overrides: tuple[str, ...] = ()
    again: bool = False
    progress_bar: bool | None = None


@dataclass
class CellReport:
    """Names of cells by their outcome.

    Attributes:
        finished: cells that were run.
        skipped: cells with a row of the same data, recipe and settings.
        failed: cells that raised an error, with its message.
        interrupted: whether a signal ended the run.
    """

    finished: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


class CellRunner:
    """Runs cells in this process.

    Args:
        options: data and folders.
        print: prints a line.

    Raises:
        StudyError: ``results.json`` is damaged.
        RecipeError: an override is not valid.
    """

    def __init__(self, options: CellOptions, print: Callable[[str], None]) -> None:  # noqa: A002
        self._options = options
        self._print = print
        self._recipe = load_recipe(_RECIPE, [*options.overrides, f"seed={options.seed}"])
        self._loaded: tuple[str, Dataset, str] | None = None
        self._before = read_results(options.out)

    def state(self, cell: Cell) -> State:
        """Return the state of a cell by its recipe and settings; the data are not read."""
        rows = find_rows(self._before, cell.name, self._options.seed)
        if not rows:
            return ""
        return "done" if rows[0]["key"] == self._key(cell) else "outdated"

    def run(self, cells: Sequence[Cell]) -> CellReport:
        """Run the cells that are not finished; an error ends its cell only."""
        report = CellReport()
        for cell in cells:
            dataset, fingerprint = self._dataset(cell.dataset)
            if not self._options.again and self._is_finished(cell, fingerprint):
                report.skipped.append(cell.name)
                continue
            self._print(f"{cell.name}, seed {self._options.seed}")
            try:
                rows = self._rows(cell, dataset, fingerprint)
            except (InterruptedTraining, KeyboardInterrupt):
                report.interrupted = True
                break
            except BitrecallError as error:
                report.failed[cell.name] = str(error)
                self._print(f"  failed: {error}")
                continue
            record(self._options.out, rows)
            report.finished.append(cell.name)
            for row in rows:
                self._print(f"  {_result_line(row)}")
        return report

    def _rows(self, cell: Cell, dataset: Dataset, fingerprint: str) -> list[Row]:
        key = self._key(cell)
        identity = json.dumps([key, fingerprint], sort_keys=True)
        digest = hashlib.sha256(identity.encode()).hexdigest()[:8]
        folder = self._options.runs / cell.name / f"seed-{self._options.seed}-{digest}"
        if self._options.again and folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
        log = TrainingLog(folder / _LOG)
        log.write(SESSION_STARTED)
        started = monotonic()
        try:
            measured = cell.run(
                CellRun(
                    dataset,
                    self._recipe,
                    folder,
                    read_results(self._options.out),
                    log,
                    lambda line: self._print(f"  {line}"),
                    self._options.progress_bar,
                )
            )
        finally:
            seconds = round(monotonic() - started, 2)
            log.write(SESSION_ENDED, seconds=seconds, peak_rss_mib=peak_rss_mib())
        for checkpoint in folder.glob("*.npz"):
            checkpoint.unlink()
        common = {
            "part": cell.name,
            "dataset": cell.dataset,
            "method": cell.variant or cell.study,
            "bits": self._recipe.bits,
            "seed": self._options.seed,
            "study": cell.study,
            "key": key,
            "data_sha256": fingerprint,
            "code_version": code_version(),
            "machine": machine(),
            "wall_seconds": history(folder / _LOG)["wall_seconds"],
        }
        return [common | _fields(result) for result in measured]

    def _is_finished(self, cell: Cell, fingerprint: str) -> bool:
        rows = find_rows(self._before, cell.name, self._options.seed)
        return self.state(cell) == "done" and rows[0]["data_sha256"] == fingerprint

    def _dataset(self, name: str) -> tuple[Dataset, str]:
        if self._loaded is None or self._loaded[0] != name:
            dataset = load_dataset(self._options.data[name])
            self._loaded = name, dataset, data_fingerprint(dataset)
        return self._loaded[1:]

    def _key(self, cell: Cell) -> dict[str, Any]:
        key: dict[str, Any] = json.loads(json.dumps(cell.key(self._recipe)))
        return key


def _fields(result: Measured) -> dict[str, Any]:
    return {
        "split": result.split,
        "variant": result.variant,
        "metrics": rounded(result.metrics),
        "details": dict(result.details),
    }


def _result_line(row: Row) -> str:
    figures = ", ".join(f"{name} {value:.4f}" for name, value in row["metrics"].items())
    name = f"{row['variant']}, " if row["variant"] else ""
    return f"{name}{row['split']}: {figures} in {row['wall_seconds']:.0f} s"
