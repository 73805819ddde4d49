"""A trial, which is one training to be measured, and the measurements that it yields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bitrecall.training.data.dataset import Dataset
from bitrecall.training.fitting.fit_loop import FitOptions
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.training_log import TrainingLog


@dataclass(frozen=True)
class Measurement:
    """Metrics of a trial, by one way of measuring.

    Attributes:
        metrics: by name and cut-off.
        epochs: how many epochs the measured embeddings were trained for.
        users: how many users the means are over.
        variant: the way of measuring, if a trial is measured in several ways.
        similarity: what items were ranked by, if not by what the recipe's method ranks by.
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
        dataset: what to train on and, for ``test``, to test on.
        recipe: every hyper-parameter.
        folder: for the log, checkpoints and releases.
        progress_bar: as in ``bitrecall.training.pipeline.TrainingOptions``.
    """

    dataset: Dataset
    recipe: Recipe
    folder: Path
    progress_bar: bool | None = None

    def fit_options(self, phase: str) -> FitOptions:
        """Options of one fit of the trial.

        Args:
            phase: names the checkpoint, and the fit in the log.
        """
        return FitOptions(
            checkpoint=self.folder / f"{phase}.npz",
            log=TrainingLog(self.folder / "log.jsonl"),
            progress_bar=self.progress_bar,
            phase=phase,
        )
