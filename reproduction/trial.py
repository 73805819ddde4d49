"""A trial, which is one training to be measured, and its measurements."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bitrecall.training.data.dataset import Dataset
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.training_log import TrainingLog


@dataclass(frozen=True)
class Measurement:
    """A measurement of a trial.

    Attributes:
        metrics: metrics by name and cut-off.
        epochs: number of epochs of the measured embeddings.
        users: number of users in the means.
        variant: name of the measurement, if a trial has several.
        similarity: similarity that ranked the items, if not that of the recipe's method.
    """

    metrics: dict[str, float]
    epochs: int
    users: int
    variant: str | None = None
    similarity: str | None = None


@dataclass(frozen=True)
class Trial:
    """One training to be measured.

    Attributes:
        dataset: the data set; only the measure ``test`` reads its test split.
        recipe: the recipe.
        folder: folder for the log, checkpoints and releases.
        progress_bar: as in ``bitrecall.training.training_options.TrainingOptions``.
    """

    dataset: Dataset
    recipe: Recipe
    folder: Path
    progress_bar: bool | None = None

    def fit_options(self, phase: str) -> FitOptions:
        """Return the options of one fit of the trial.

        Args:
            phase: name of the checkpoint, and of the fit in the log.
        """
        return FitOptions(
            checkpoint=self.folder / f"{phase}.npz",
            log=TrainingLog(self.folder / "log.jsonl"),
            progress_bar=self.progress_bar,
            phase=phase,
        )
