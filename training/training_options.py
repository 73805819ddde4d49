"""How a training is carried out: folder, device, progress bar, processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bitrecall.training.data.dataset import Dataset
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup


@dataclass(frozen=True)
class TrainingOptions:
    """How a run is carried out; no option changes its result.

    Attributes:
        folder: folder of the log and the checkpoints.
        device: a torch device.
        fresh: delete the checkpoints of an earlier run in the folder.
        progress_bar: show bars on stderr; None shows them only if stderr is a terminal.
        activate: make the new release the current one.
        group: the processes that train together, each with the same run and the same folder; the
            first one publishes.
    """

    folder: Path
    device: str = "cpu"
    fresh: bool = False
    progress_bar: bool | None = None
    activate: bool = True
    group: ProcessGroup = SINGLE_PROCESS


def default_run_folder(dataset: Dataset, recipe: Recipe) -> Path:
    """Return ``runs/RECIPE-FINGERPRINT``, the same folder for the same data and recipe."""
    return Path("runs") / f"{recipe.name}-{recipe.sha256()[:8]}{dataset.train.sha256()[:8]}"
