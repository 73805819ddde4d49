"""``bitrecall benchmark``: compare codes with float recommenders on the user's data."""

import json
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING

import click

from bitrecall.commands.comparison_text import comparison_text
from bitrecall.commands.data_options import data_argument, data_options
from bitrecall.commands.options import (
    NonEmptyPath,
    device_option,
    implausible_option,
    json_option,
    option,
    progress_option,
    recipe_options,
    releases_option,
    threads_option,
)

if TYPE_CHECKING:
    from bitrecall.training.comparison.codes import Codes
    from bitrecall.training.data.dataset import Dataset
    from bitrecall.training.data.read_options import ReadOptions
    from bitrecall.training.pipeline import TrainingOptions
    from bitrecall.training.recipe.recipe import Recipe

_SUFFIXES = (".png", ".svg", ".pdf")


@click.command(
    epilog="""\b
Examples:
  bitrecall benchmark sample --recipe sample
  bitrecall benchmark clicks.csv --plot clicks.svg
  bitrecall benchmark clicks.csv --split time --test-fraction 0.1 --json --no-plot
  bitrecall benchmark clicks.csv --release 20260101T000000-0123abcd --releases releases
"""
)
@data_argument
@recipe_options
@option(
    "--release",
    "release_id",
    metavar="ID",
    help="Compare this release of --releases instead of training; it must have been trained on the "
    "same training split of DATA.",
)
@releases_option
@option(
    "--plot",
    type=NonEmptyPath(dir_okay=False, writable=True, path_type=Path),
    default=Path("benchmark.png"),
    metavar="FILE",
    help="Plot the result; the suffix of the file selects PNG, SVG or PDF.",
)
@option("--no-plot", is_flag=True, help="Do not plot the result.")
@implausible_option
@device_option
@threads_option
@progress_option
@json_option
@data_options
def benchmark(
    data: tuple[Path | str, ...],
    recipe: str,
    overrides: tuple[str, ...],
    release_id: str | None,
    releases: Path,
    plot: Path,
    no_plot: bool,
    allow_implausible: bool,
    device: str,
    threads: int | None,
    progress: bool | None,
    as_json: bool,
    read_options: "ReadOptions",
) -> None:
    """Compare codes with popularity, item kNN, EASE and ALS on DATA.

    Codes are trained in a temporary folder; nothing is published. Each float recommender is tuned
    on the validation interactions that the training uses, fitted on all training interactions, and
    measured on the test split as in bitrecall evaluate. Without a test split, all are measured on
    the validation interactions.

    Unlike the table of bitrecall train, no setting is left out to save time.
    """
    from bitrecall.training.runtime.openmp import wait_briefly

    # Before the module of the plot, which imports torch too.
    wait_briefly()
    if not no_plot:
        if plot.suffix not in _SUFFIXES:
            raise click.BadParameter(
                f"{plot} must end in {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}"
            )
        # Imported before the training, so that a missing matplotlib is reported at once.
        from bitrecall.training.comparison.plot import draw
    import torch

    from bitrecall.training.comparison.comparison import compare
    from bitrecall.training.comparison.problem import check_held_out
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.data.plausibility import check_plausible
    from bitrecall.training.data.similar_ids import id_warnings
    from bitrecall.training.pipeline import TrainingOptions
    from bitrecall.training.recipe.recipe_file import load_recipe
    from bitrecall.training.runtime.allocator import keep_freed_memory

    keep_freed_memory()
    chosen = load_recipe(recipe, overrides)
    if threads is not None:
        torch.set_num_threads(threads)
    dataset = load_dataset(data, read_options)
    warnings = [
        *dataset.report.bad_row_warnings(),
        *id_warnings(dataset),
        *check_plausible(dataset, allow_implausible),
    ]
    for line in (*dataset.report.lines(), *(f"warning: {warning}" for warning in warnings)):
        click.echo(line, err=True)
    check_held_out(dataset.test, chosen)
    with TemporaryDirectory(prefix="bitrecall-benchmark-") as folder:
        if release_id is None:
            options = TrainingOptions(Path(folder) / "run", device, progress_bar=progress)
            codes = _train(dataset, chosen, options, Path(folder) / "releases")
        else:
            codes = _open(dataset, releases, release_id)
        comparison = compare(
            dataset.train.compact(), dataset.test, chosen, codes, progress=progress
        )
    if as_json:
        click.echo(json.dumps({"data": dataset.name, **asdict(comparison)}, indent=2))
    else:
        click.echo(comparison_text(comparison))
    if not no_plot:
        draw(comparison, dataset.name, plot)
        click.echo(f"plot: {plot}", err=True)


def _train(
    dataset: "Dataset", recipe: "Recipe", options: "TrainingOptions", store: Path
) -> "Codes":
    """Train in a temporary folder."""
    from bitrecall.index.releases.store import ReleaseStore
    from bitrecall.training.comparison.codes import Codes
    from bitrecall.training.errors import InterruptedTraining
    from bitrecall.training.pipeline import TrainingPipeline

    started = monotonic()
    try:
        result = TrainingPipeline(dataset, recipe, options).publish(ReleaseStore(store))
    except InterruptedTraining:
        # Its checkpoint is in the temporary folder.
        raise KeyboardInterrupt from None
    return Codes.of_training(result, dataset.test, monotonic() - started)


def _open(dataset: "Dataset", releases: Path, release_id: str) -> "Codes":
    """Open a release that was trained on the training split."""
    from bitrecall.index.releases.store import ReleaseStore
    from bitrecall.training.comparison.codes import Codes
    from bitrecall.training.errors import EvaluationError

    if dataset.test is None or not len(dataset.test):
        raise EvaluationError(
            "the data have no test split to measure a release on; create one with --split, as in "
            "its training"
        )
    release = ReleaseStore(releases).open(release_id)
    if release.manifest.data.sha256 != dataset.train.sha256():
        raise EvaluationError(
            f"release {release_id} was trained on other interactions than the training split of "
            f"{dataset.name}: pass the data and the options of its training"
        )
    return Codes.of_release(release, dataset.test)
