"""``bitrecall retrain``: a better release out of what has come in, if it is one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bitrecall.commands.data_options import DataType, reading_options
from bitrecall.commands.milvus_options import milvus_options
from bitrecall.commands.options import (
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
  bitrecall retrain sample --recipe sample        # the first release, where there is none yet
  bitrecall retrain --events sqlite:///events.db  # from then on, nightly
  bitrecall retrain clicks.csv --items products.csv --recipe default
  bitrecall retrain --weight event:view=0.2,cart=0.5,buy=1   # types of events
  bitrecall retrain --dry-run                     # all but the publishing
  0 3 * * *  bitrecall retrain                    # as a line of a crontab

\b
What happens:
  1. What the release that is served was trained on, DATA and the events since are joined. Events
     that cannot be used are left out and named; of a user who sent too many only the last count.
     If the events are in another database than before, all of them are read.
  2. The data are checked: volume, drift, repeats. One check that fails ends the run.
  3. The latest of the new pairs are held out. A candidate is trained on all others, going on from
     where the training of the served release ended, if not too much is new, else anew.
  4. The candidate and the served release are asked for lists of the users with held-out pairs. If
     the candidate is worse by more than a margin, the run ends.
  5. A release is trained on everything, published, and made current; a running service takes it
     up. Old releases are removed.

\b
Exit codes:
  0    published (or would have been, with --dry-run)
  1    failed; the error says why
  2    an option or an argument is wrong
  3    refused, by a check or by the gate, or held back because another release was activated
  4    too little has come in
  5    another run is under way
  130  interrupted; the next run goes on from its checkpoint

Whatever happens, the release that is served goes on being served, and a report says what was done
and why: WORK/reports, a JSON file and a page for each run.
"""
)
@click.argument("data", type=DataType(path_type=Path), metavar="[DATA]...", nargs=-1)
@releases_option
@option(
    "--events",
    default="sqlite:///events.db",
    envvar="BITRECALL_EVENTS",
    metavar="URL",
    help="Where the service keeps events: sqlite:///PATH, postgresql://USER@HOST/NAME, or off.",
)
@items_options
@implausible_option
@option(
    "--recipe",
    default="default",
    metavar="NAME|FILE",
    help="Recipe of a training from scratch; a warm start uses a shorter one.",
)
@option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one value of the recipe, as in bits=128; may be given several times.",
)
@option(
    "--work",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("retrain"),
    metavar="DIR",
    help="Folder of the checkpoints, of warm starts, and of the reports.",
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
    """Retrain on what has come in since, and publish the release if it is worthy.

    DATA is what ``bitrecall train`` takes, and may be left out where a release is there already: a
    release holds the pairs that it was trained on. It may grow from run to run.
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
            *id_warnings(dataset),
            *check_plausible(dataset, allow_implausible),
        ):
            click.echo(f"warning: {warning}", err=True)
        files = dataset.train
    table = default_item_table(
        [Path(one) for one in data if not is_database(one)],
        items,
        read_options.item_column,
        tags_column,
        read_options.encoding,
    )
    if table is not None and items is None and table.name != "sample":
        click.echo(f"the table of items is {table.name}; --items names another", err=True)
    store = None
    if events != "off":
        store = EventStore(events)
        location = events_location(events)
        click.echo(f"events are read from {location.text}", err=True)
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
        click.echo(f"the report is the last one in {work / 'reports'}", err=True)
        raise click.exceptions.Exit(EXIT_CODES[Outcome.FAILED]) from error
    finally:
        if store is not None:
            store.close()
    named = f" {report.release}" if report.release else ""
    click.echo(f"{report.outcome}{named}: {report.reason}")
    click.echo(f"the report: {page}")
    raise click.exceptions.Exit(report.exit_code)
