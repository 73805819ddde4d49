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
What comes after -- goes to bitrecall retrain; its options can be given in the environment too. Each
night is a process of its own. A time that was missed, because nothing ran then, is caught up once.
A night that failed is tried again; one that was refused, or had too little to go by, is not.
SIGTERM and Ctrl-C have a night that is running write its checkpoint, and the next one goes on.
""",
)
@releases_option
@settings_options(SchedulerSettings)
@click.argument("arguments", nargs=-1, metavar="[-- ARGUMENTS OF RETRAIN]", type=click.UNPROCESSED)
def scheduler(releases: Path, arguments: tuple[str, ...], **given: object) -> None:
    """Retrain every day at a time of day, until it is stopped."""
    settings = load_settings(SchedulerSettings, given)

    from bitrecall.scheduler.run import retrain_command, run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    run(settings, releases, retrain_command(arguments, releases))
