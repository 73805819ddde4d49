"""Train codes in a temporary folder, or take those of a release, and compare them."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.results.comparison import Comparison
from bitrecall.training.comparison.codes import Codes
from bitrecall.training.comparison.comparison import compare
from bitrecall.training.comparison.problem import check_held_out
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.errors import EvaluationError, InterruptedTraining
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.training_options import TrainingOptions


def benchmark_dataset(
    dataset: Dataset,
    recipe: Recipe,
    release: Release | None = None,
    *,
    device: str = "cpu",
    seconds: float = math.inf,
    progress: bool | None = None,
) -> Comparison:
    """Compare codes with float recommenders on a data set; nothing is published.

    Args:
        dataset: the data set.
        recipe: recipe of the training; defines the validation interactions.
        release: release that was trained on the training split; None trains codes.
        device: torch device of the training.
        seconds: time for the comparison, without the training; the default tries every setting.
        progress: show bars on stderr; None shows them only if stderr is a terminal.

    Raises:
        EvaluationError: nothing is held out to compare on, no user has enough interactions to tune
            on, or the release was trained on other interactions.
        TrainingError: the training cannot start.
        KeyboardInterrupt: Ctrl-C was pressed; an ``InterruptedComparison`` has the rows that were
            ready.
    """
    check_held_out(dataset.test, recipe)
    if release is not None:
        return compare(
            dataset.train.compact(),
            dataset.test,
            recipe,
            _codes_of(dataset, release),
            data=dataset.name,
            row_ages=dataset.rows,
            seconds=seconds,
            progress=progress,
        )
    # The release is deleted after its codes were measured.
    with TemporaryDirectory(prefix="bitrecall-benchmark-") as folder:
        options = TrainingOptions(Path(folder) / "run", device, progress_bar=progress)
        pipeline = TrainingPipeline(dataset, recipe, options)
        started = monotonic()
        try:
            result = pipeline.publish(ReleaseStore(Path(folder) / "releases"))
        except InterruptedTraining:
            # Its checkpoint is in the temporary folder.
            raise KeyboardInterrupt from None
        return compare(
            pipeline.train,
            dataset.test,
            recipe,
            Codes.of_training(result, dataset.test, monotonic() - started),
            data=dataset.name,
            row_ages=dataset.rows,
            seconds=seconds,
            progress=progress,
        )


def _codes_of(dataset: Dataset, release: Release) -> Codes:
    if dataset.test is None or not len(dataset.test):
        raise EvaluationError(
            "the data have no test split to measure a release on; create one with --split, as in "
            "its training"
        )
    if release.manifest.data.sha256 != dataset.train.sha256():
        raise EvaluationError(
            f"release {release.id} was trained on other interactions than the training split of "
            f"{dataset.name}: pass the data and the options of its training"
        )
    return Codes.of_release(release, dataset.test)
