"""``bitrecall benchmark``: compare codes with float recommenders on the user's data."""

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

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
from bitrecall.results.comparison import check_plot_path

if TYPE_CHECKING:
    from bitrecall.results import Comparison
    from bitrecall.training.data.read_options import ReadOptions


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
@option(
    "--comparison-minutes",
    type=click.FloatRange(min=0),
    metavar="M",
    show_default="as many as all settings take",
    help="Time for the float recommenders, without the training of the codes. If it is short, "
    "settings or recommenders are left out.",
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
    comparison_minutes: float | None,
    no_plot: bool,
    allow_implausible: bool,
    device: str,
    threads: int | None,
    progress: bool | None,
    as_json: bool,
    read_options: "ReadOptions",
) -> None:
    """Compare codes with popularity, item kNN, RP3beta, EASE and ALS on DATA.

    Codes are trained in a temporary folder; nothing is published. Each float recommender is tuned
    on the validation interactions that the training uses, fitted on all training interactions, and
    measured on the test split as in bitrecall evaluate. Without a test split, all are measured on
    the validation interactions.

    --comparison-minutes limits the time; without it, no setting is left out, unlike in the table of
    bitrecall train. Ctrl-C stops, and prints the recommenders that are ready.
    """
    from bitrecall.training.runtime.openmp import wait_briefly

    wait_briefly()
    if not no_plot:
        check_plot_path(plot)
        # Imported before the training, so that a missing matplotlib is reported at once.
        import bitrecall.results.comparison_plot  # noqa: F401
    import torch

    from bitrecall.index.releases.store import ReleaseStore
    from bitrecall.training.comparison.benchmark import benchmark_dataset
    from bitrecall.training.comparison.comparison import InterruptedComparison
    from bitrecall.training.comparison.problem import check_held_out
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.data.plausibility import check_plausible
    from bitrecall.training.data.similar_ids import id_warnings
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
    release = None if release_id is None else ReleaseStore(releases).open(release_id)
    try:
        comparison = benchmark_dataset(
            dataset,
            chosen,
            release,
            device=device,
            seconds=math.inf if comparison_minutes is None else 60 * comparison_minutes,
            progress=progress,
        )
    except InterruptedComparison as stopped:
        click.echo(_document(stopped.comparison) if as_json else stopped.comparison)
        raise
    click.echo(_document(comparison) if as_json else comparison)
    if not no_plot:
        comparison.plot(plot)
        click.echo(f"plot: {plot}", err=True)


def _document(comparison: "Comparison") -> str:
    return json.dumps(asdict(comparison), indent=2)
