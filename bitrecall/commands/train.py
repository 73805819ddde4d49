"""``bitrecall train``: train on interactions and publish a release."""

from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click

from bitrecall.commands.data_options import data_argument, data_options
from bitrecall.commands.milvus_options import milvus_options
from bitrecall.commands.options import (
    NonEmptyPath,
    device_option,
    implausible_option,
    items_options,
    option,
    progress_option,
    recipe_options,
    releases_option,
    threads_option,
)

if TYPE_CHECKING:
    from bitrecall.index.releases.mirror import Mirror
    from bitrecall.training.data.read_options import ReadOptions
    from bitrecall.training.training_result import TrainingResult


@click.command(
    epilog="""\b
Examples:
  bitrecall train sample --recipe sample --releases releases
  bitrecall train gowalla/ --recipe gowalla --releases releases
  bitrecall train clicks.csv --recipe default --set bits=128 --set fit.epochs=4
  bitrecall train clicks.csv --where 'event in (buy, cart)'
  bitrecall train ratings.csv --min-rating 4
  bitrecall train clicks.csv --weight event:view=0.2,cart=0.5,buy=1
  bitrecall train postgresql://me@db/shop --query 'select user_id, sku, at from orders'
  bitrecall train clicks.csv --events sqlite:///events.db
  bitrecall train clicks.csv --items products.csv     # tags and attributes for filters
  torchrun --nproc-per-node 2 -m -- bitrecall train gowalla/ --recipe gowalla   # two processes
  bitrecall train gowalla/ --recipe gowalla --set validation.share=0.1 \\
      --set validation.refit=false --no-activate     # to tune a recipe without the test split

\b
What happens:
  1. DATA is read, and its test split, if any, is set aside.
  2. If the recipe has a validation share, that share of each user's training interactions is held
     out: the latest if their order is known (by times, or --lines-in-order), otherwise random
     ones. The teacher's ranker is fitted on them, codes are trained on the others, and the best
     epoch is selected.
  3. The training of the codes continues on all training interactions.
  4. The release is written, opened, and evaluated on the test split with the index that will be
     served; then it becomes the current one. If a step fails, the old release stays current.
  5. Popularity, item kNN, RP3beta, EASE and ALS, in floats, are tuned on the validation
     interactions and compared with the codes, in a quarter of the training's time or 10 s.

Ctrl-C writes a checkpoint and stops; the same command resumes from it, with the same result. The
log is RUN/log.jsonl, with one JSON object per line.
"""
)
@data_argument
@recipe_options
@items_options
@implausible_option
@option(
    "--events",
    metavar="URL",
    help="Events database of the service, to train on its events too (sqlite:///PATH or "
    "postgresql://…); earlier interactions of forgotten users are left out.",
)
@releases_option
@option(
    "--run",
    "folder",
    type=NonEmptyPath(file_okay=False, path_type=Path),
    metavar="DIR",
    show_default="runs/RECIPE-FINGERPRINT",
    help="Folder of the log and the checkpoints.",
)
@option("--fresh", is_flag=True, help="Ignore checkpoints, and start from the beginning.")
@device_option
@threads_option
@option(
    "--activate/--no-activate",
    default=True,
    help="Make the new release the current one; a running service swaps to it.",
)
@option(
    "--comparison/--no-comparison",
    "compared",
    default=True,
    help="Compare the codes with float recommenders (see bitrecall benchmark).",
)
@progress_option
@milvus_options
@data_options
def train(
    data: tuple[Path | str, ...],
    recipe: str,
    items: Path | None,
    tags_column: str | None,
    allow_implausible: bool,
    events: str | None,
    releases: Path,
    overrides: tuple[str, ...],
    folder: Path | None,
    fresh: bool,
    device: str,
    threads: int | None,
    activate: bool,
    compared: bool,
    progress: bool | None,
    mirror: "Mirror | None",
    read_options: "ReadOptions",
) -> None:
    """Train hash codes from DATA and publish them as a release.

    DATA is a folder with train and test files, a folder of parts, one or several files (CSV and
    other delimited text, JSON lines, Parquet, LightGCN text, RecBole .inter; also compressed), the
    URL of a database (with --query), or the word "sample" for the built-in data set.
    """
    from bitrecall.training.runtime.openmp import wait_briefly

    wait_briefly()
    import torch

    from bitrecall.errors import BitrecallError
    from bitrecall.events.position import NOTHING_READ, position_after
    from bitrecall.events.store import EventStore
    from bitrecall.index.releases.store import ReleaseStore
    from bitrecall.training.comparison.codes import Codes
    from bitrecall.training.comparison.comparison import InterruptedComparison, compare
    from bitrecall.training.data.event_interactions import join_events
    from bitrecall.training.data.items.default_table import default_item_table
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.data.plausibility import check_plausible
    from bitrecall.training.data.similar_ids import id_warnings
    from bitrecall.training.data.tables.sql_query import is_database
    from bitrecall.training.errors import InterruptedTraining
    from bitrecall.training.pipeline import TrainingPipeline
    from bitrecall.training.recipe.recipe_file import load_recipe
    from bitrecall.training.runtime.allocator import keep_freed_memory
    from bitrecall.training.runtime.process_group import init_process_group
    from bitrecall.training.runtime.training_log import TrainingLog
    from bitrecall.training.training_options import TrainingOptions, default_run_folder

    keep_freed_memory()
    chosen = load_recipe(recipe, overrides)
    if threads is not None:
        torch.set_num_threads(threads)
    dataset = load_dataset(data, read_options)
    for line in dataset.report.lines():
        click.echo(line, err=True)
    paths = [Path(source) for source in data if not is_database(source)]
    table = default_item_table(
        paths, items, read_options.item_column, tags_column, read_options.encoding
    )
    if table is not None and items is None and table.name != "sample":
        click.echo(f"using {table.name} as the item table; to use another, pass --items", err=True)
    if table is not None:
        known, total = table.count(dataset.train.item_ids), dataset.train.n_items
        click.echo(f"item table: {table.name} has {known:,} of the {total:,} items", err=True)
    position = NOTHING_READ
    if events is not None:
        store = EventStore(events, create=False)
        log_id = store.state().log_id
        joined = join_events(dataset, store.all_after(0), read_options)
        store.close()
        dataset, position = joined.dataset, position_after(log_id, joined.last)
        for line in joined.selection:
            click.echo(line, err=True)
        for event in joined.unusable_examples:
            click.echo(f"left out {event}", err=True)
        if joined.unusable:
            click.echo(f"{joined.unusable:,} events cannot be used", err=True)
        click.echo(
            f"events up to number {position.sequence:,} add {joined.pairs:,} interactions; "
            f"left out the earlier interactions of {joined.forgotten:,} forgotten users"
        )
    warnings = [
        *dataset.report.bad_row_warnings(),
        *id_warnings(dataset),
        *check_plausible(dataset, allow_implausible),
    ]
    with init_process_group(device) as group:
        options = TrainingOptions(
            folder=folder or default_run_folder(dataset, chosen),
            device=device,
            fresh=fresh,
            progress_bar=progress,
            activate=activate,
            group=group,
        )
        try:
            run = TrainingPipeline(dataset, chosen, options, table, position)
            if not group.is_first:
                run.fit()
                return
            for warning in (*warnings, *run.warnings):
                click.echo(f"warning: {warning}", err=True)
            if held_out := run.validation_split():
                click.echo(f"validation: {held_out}", err=True)
            started = monotonic()
            result = run.publish(ReleaseStore(releases, mirror))
            seconds = monotonic() - started
        except InterruptedTraining as stopped:
            click.echo(stopped, err=True)
            raise click.exceptions.Exit(_INTERRUPTED) from None
    click.echo(_as_text(result, releases, options.folder, activate))
    if not compared:
        return
    try:
        comparison = compare(
            run.train,
            dataset.test,
            chosen,
            Codes.of_training(result, dataset.test, seconds),
            data=dataset.name,
            row_ages=dataset.rows,
            seconds=max(_MIN_COMPARISON_SECONDS, _COMPARISON_SHARE * seconds),
            progress=progress,
        )
    except BitrecallError as error:
        # The release is published all the same.
        click.echo(f"no comparison: {error}", err=True)
        return
    except InterruptedComparison as stopped:
        click.echo(f"\n{stopped.comparison}")
        click.echo(f"release {result.release.id} is published", err=True)
        raise
    TrainingLog(options.folder / "log.jsonl").write("comparison", **asdict(comparison))
    click.echo(f"\n{comparison}")


def _as_text(result: "TrainingResult", releases: Path, folder: Path, activate: bool) -> str:
    manifest = result.release.manifest
    metrics = manifest.metrics
    lines = [
        f"published {result.release.id}: {manifest.users:,} users, {manifest.items:,} items, "
        f"{manifest.bits} bits",
        f"trained {result.epochs} epochs in {result.seconds:.1f} s; peak memory "
        f"{result.peak_rss_mib:,} MiB; log: {folder}/log.jsonl",
    ]
    if result.scorers:
        lines.append("teacher: " + "; ".join(str(scorer) for scorer in result.scorers))
    quality = [f"{name} {metrics[name]:.5f}" for name in _HEADLINE if name in metrics]
    if quality:
        lines.append(f"on the {metrics['split']} split: " + ", ".join(quality))
    if manifest.recency is not None:
        lines.append(f"recency: {manifest.recency.describe()}")
    if manifest.repeats is not None:
        lines.append(f"repeats: {manifest.repeats.describe()}")
    if activate:
        lines.append(f"serve it: bitrecall serve --releases {releases}")
    else:
        lines.append(
            f"make it current: bitrecall release activate {result.release.id} --releases {releases}"
        )
    return "\n".join(lines)


# The exit code that shells report for a process ended by Ctrl-C.
_INTERRUPTED = 130
# Time for the comparison: a share of the training's, and at least some seconds.
_COMPARISON_SHARE = 0.25
_MIN_COMPARISON_SECONDS = 10.0
_HEADLINE = ("recall@20", "recall@50", "recall@100", "ndcg@20", "ndcg@50", "ndcg@100")
