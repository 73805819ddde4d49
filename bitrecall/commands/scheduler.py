"""``bitrecall scheduler``: retrain once a day."""

import logging
from pathlib import Path

import click

from bitrecall.commands.options import releases_option
from bitrecall.commands.settings_options import load_settings, settings_options
from bitrecall.scheduler.settings import SchedulerSettings


@click.command(
    context_settings={"ignore_unknown_options": True},
    epilog="""\b
Examples:
  bitrecall scheduler --at 03:00 --timezone Europe/Berlin
  bitrecall scheduler -- clicks.csv --recipe default --set bits=128
  bitrecall scheduler --metrics-port 9109      # for Prometheus

\b
Arguments after -- are passed to bitrecall retrain; its options can also be set by environment
variables. Each run is a separate process. If a scheduled time was missed, one run starts at once.
A failed run is retried; a run that was refused or had too little data is not. On SIGTERM and
Ctrl-C, a running training writes a checkpoint, and the next run resumes it.
""",
)
@releases_option
@settings_options(SchedulerSettings)
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENTS OF RETRAIN]", type=click.UNPROCESSED)
def scheduler(releases: Path, arguments: tuple[str, ...], **options: object) -> None:
    """Retrain once a day at a set time, until stopped."""
    settings = load_settings(SchedulerSettings, options)

    from bitrecall.scheduler.run import retrain_command, run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    run(settings, releases, retrain_command(arguments, releases))
