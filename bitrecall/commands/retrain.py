"""``bitrecall retrain``: retrain on new events, and publish if the gate passes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bitrecall.commands.data_options import DataType, reading_options
from bitrecall.commands.milvus_options import milvus_options
from bitrecall.commands.options import (
    NonEmptyPath,
    device_option,
    implausible_option,
    items_options,
    option,
    progress_option,
    releases_option,
    threads_option,
)
from bitrecall.commands.settings_options import load_settings, settings_options
from bitrecall.training.retraining.settings import RetrainingSettings

if TYPE_CHECKING:
    from bitrecall.index.releases.mirror import Mirror
    from bitrecall.training.data.read_options import ReadOptions


@click.command(
    epilog="""\b
Examples:
  bitrecall retrain sample --recipe sample        # the first release
  bitrecall retrain --events sqlite:///events.db  # later releases, nightly
  bitrecall retrain clicks.csv --items products.csv --recipe default
  bitrecall retrain --weight event:view=0.2,cart=0.5,buy=1   # by event type
  bitrecall retrain --dry-run                     # do not publish
  0 3 * * *  bitrecall retrain                    # as a line of a crontab

\b
What happens:
  1. The training data of the current release, DATA and the new events are joined. Events that
     cannot be used are left out and reported. Of a user with too many events, only the last
     count. If the events are in another database than before, all of them are read.
  2. The data is checked: volume, drift, repeats. A failed check ends the run.
  3. The latest new interactions are held out. A candidate is trained on all others: from the
     final state of the current release's training (a warm start) if not too much is new,
     otherwise from scratch.
  4. The candidate and the current release are evaluated on the held-out interactions. If the
     candidate is worse by more than a margin, the run ends.
  5. A release is trained on all data, published, and made current; a running service loads it.
     Old releases are removed.

\b
Exit codes:
  0    published (or would have been, with --dry-run)
  1    failed; the error says why
  2    an option or an argument is invalid
  3    refused by a check or by the gate, or held back because another release was activated
  4    too few new interactions
  5    another run is in progress
  130  interrupted; the next run resumes from the checkpoint

Whatever the outcome, the service keeps serving. Each run writes a report of its steps and
reasons to WORK/reports: a JSON file and a page.
"""
)
@click.argument("data", type=DataType(path_type=Path), metavar="[DATA]...", nargs=-1)
@releases_option
@option(
    "--events",
    default="sqlite:///events.db",
    envvar="BITRECALL_EVENTS",
    metavar="URL",
    help="Events database of the service: sqlite:///PATH, postgresql://USER@HOST/NAME, or off.",
)
@items_options
@implausible_option
@option(
    "--recipe",
    default="default",
    metavar="NAME|FILE",
    help="Recipe of a training from scratch; a warm start has fewer epochs and a smaller learning "
    "rate.",
)
@option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a value of the recipe, such as bits=128; may be given several times.",
)
@option(
    "--work",
    type=NonEmptyPath(file_okay=False, path_type=Path),
    default=Path("retrain"),
    metavar="DIR",
    help="Folder of checkpoints, warm-start states and reports.",
)
@option("--dry-run", is_flag=True, help="Do everything but publish.")
@option(
    "--from-scratch", is_flag=True, help="Train from scratch, even if a warm start is possible."
)
@device_option
@threads_option
@progress_option
@milvus_options
@reading_options
@settings_options(RetrainingSettings)
def retrain(
    data: tuple[Path | str, ...],
    releases: Path,
    events: str,
    items: Path | None,
    tags_column: str | None,
    allow_implausible: bool,
    recipe: str,
    overrides: tuple[str, ...],
    work: Path,
    dry_run: bool,
    from_scratch: bool,
    device: str,
    threads: int | None,
    progress: bool | None,
    mirror: "Mirror | None",
    read_options: "ReadOptions",
    **thresholds: object,
) -> None:
    """Retrain on new data, and publish the release if it is no worse.

    DATA is the same as for 'bitrecall train', and may contain more interactions in each run. It
    may be omitted if there is a current release, which contains its training interactions.
    """
    settings = load_settings(RetrainingSettings, thresholds)
    from bitrecall.training.runtime.openmp import wait_briefly

    wait_briefly()
    import torch

    from bitrecall.events.location import events_location
    from bitrecall.events.store import EventStore
    from bitrecall.index.releases.retraining_status import EXIT_CODES, IN_PROGRESS, Outcome
    from bitrecall.index.releases.store import ReleaseStore
    from bitrecall.training.data.items.default_table import default_item_table
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.data.plausibility import check_plausible
    from bitrecall.training.data.similar_ids import id_warnings
    from bitrecall.training.data.tables.sql_query import is_database
    from bitrecall.training.errors import InterruptedTraining, RetrainingInProgressError
    from bitrecall.training.recipe.recipe_file import load_recipe
    from bitrecall.training.retraining.inputs import RetrainingInputs
    from bitrecall.training.retraining.run import reason_of, run_retraining
    from bitrecall.training.retraining.run_options import RetrainingOptions
    from bitrecall.training.runtime.allocator import keep_freed_memory

    keep_freed_memory()
    chosen = load_recipe(recipe, overrides)
    if threads is not None:
        torch.set_num_threads(threads)
    files = None
    if data:
        dataset = load_dataset(data, read_options)
        for line in dataset.report.lines():
            click.echo(line, err=True)
        for warning in (
            *dataset.report.bad_row_warnings(),
            *id_warnings(dataset),
            *check_plausible(dataset, allow_implausible),
        ):
            click.echo(f"warning: {warning}", err=True)
        files = dataset.train
    table = default_item_table(
        [Path(source) for source in data if not is_database(source)],
        items,
        read_options.item_column,
        tags_column,
        read_options.encoding,
    )
    if table is not None and items is None and table.name != "sample":
        click.echo(f"using {table.name} as the item table; to use another, pass --items", err=True)
    store = None
    if events != "off":
        store = EventStore(events)
        location = events_location(events)
        click.echo(f"reading events from {location.text}", err=True)
        if location.warning is not None:
            click.echo(f"warning: {location.warning}", err=True)
    try:
        report, page = run_retraining(
            ReleaseStore(releases, mirror),
            chosen,
            settings,
            RetrainingInputs(files, table, store, read_options),
            RetrainingOptions(work, device, progress, from_scratch, dry_run),
        )
    except InterruptedTraining as stopped:
        click.echo(stopped, err=True)
        raise click.exceptions.Exit(130) from None
    except RetrainingInProgressError as error:
        click.echo(f"error: {error}", err=True)
        raise click.exceptions.Exit(IN_PROGRESS) from None
    except Exception as error:
        click.echo(f"error: {reason_of(error)}", err=True)
        click.echo(f"the newest report in {work / 'reports'} has the details", err=True)
        raise click.exceptions.Exit(EXIT_CODES[Outcome.FAILED]) from error
    finally:
        if store is not None:
            store.close()
    release = f" {report.release}" if report.release else ""
    click.echo(f"{report.outcome}{release}: {report.reason}")
    click.echo(f"report: {page}")
    raise click.exceptions.Exit(report.exit_code)
