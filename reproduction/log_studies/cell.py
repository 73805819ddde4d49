"""A cell of a study: one training or measurement on one data set, which is resumed or skipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bitrecall.reproduction.results import Row
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import StudyError
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.training_log import TrainingLog

METRICS = ("recall@20", "recall@50", "ndcg@20")
"""The metrics of the studies."""

KS = (20, 50)
"""Their cut-offs."""


@dataclass(frozen=True)
class Measured:
    """A result of a cell.

    Attributes:
        split: held-out interactions that were measured: "test" or "validation".
        metrics: metrics by name and cut-off.
        variant: name of the result, if a cell has several.
        details: other values, which JSON can hold.
    """

    split: str
    metrics: Mapping[str, float]
    variant: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CellRun:
    """What a cell works with.

    Attributes:
        dataset: the data set.
        recipe: the recipe, with the seed of the run.
        folder: folder for checkpoints and the log.
        rows: rows that were recorded before.
        log: the log of the run.
        print: prints a line of progress.
        progress_bar: show progress bars on stderr; None shows them only on a terminal.
    """

    dataset: Dataset
    recipe: Recipe
    folder: Path
    rows: Sequence[Row]
    log: TrainingLog
    print: Callable[[str], None]
    progress_bar: bool | None = None

    @property
    def test(self) -> Interactions:
        """The test split.

        Raises:
            StudyError: there is none.
        """
        test = self.dataset.test
        if test is None or not len(test):
            raise StudyError(f"{self.dataset.name} has no test split to measure on")
        return test

    def fit_options(self, phase: str) -> FitOptions:
        """Return the options of a fit, which resumes from its checkpoint."""
        return FitOptions(
            checkpoint=self.folder / f"{phase}.npz",
            log=self.log,
            progress_bar=self.progress_bar,
            phase=phase,
        )


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        study: name of the study.
        dataset: name of the data set.
        variant: name of the cell within study and data set; empty if it is the only one.
        run: measures the cell.
        settings: values that the result depends on, besides the recipe; JSON can hold them.
        recipe_sections: sections and values of the recipe that the result depends on; None for all.
    """

    study: str
    dataset: str
    variant: str
    run: Callable[[CellRun], list[Measured]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    recipe_sections: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """``STUDY/DATASET`` or ``STUDY/DATASET/VARIANT``."""
        return "/".join(part for part in (self.study, self.dataset, self.variant) if part)

    def key(self, recipe: Recipe) -> dict[str, Any]:
        """Return all values that the result depends on, besides the data."""
        values = recipe.model_dump(mode="json", exclude={"name"})
        sections = self.recipe_sections
        kept = values if sections is None else {name: values[name] for name in sections}
        return {"settings": dict(self.settings), "recipe": kept}
