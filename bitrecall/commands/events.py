"""``bitrecall events``: look after the database of events."""

from collections.abc import Callable
from typing import Any

import click

from bitrecall.commands.options import option


def _url_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return option(
        "--events",
        "url",
        default="sqlite:///events.db",
        envvar="BITRECALL_EVENTS",
        metavar="URL",
        help="Where events are kept: sqlite:///PATH or postgresql://USER@HOST/NAME.",
    )(command)


@click.group()
def events() -> None:
    """Look after the database of events: bring its tables up to date, count, forget, remove."""


@events.command(
    epilog="""\b
Example:
  bitrecall events migrate --events postgresql://bitrecall@db.example/bitrecall
"""
)
@_url_option
def migrate(url: str) -> None:
    """Make the tables, or bring those of an earlier version up to date.

    The service does so itself when it first needs them; this is for those who would rather have it
    done before, by a user of the database that may.
    """
    from events.store import EventStore

    store = EventStore(url)
    store.open()
    store.close()
    click.echo("the tables are up to date")


@events.command(
    epilog="""\b
Example:
  bitrecall events count --events sqlite:///events.db
"""
)
@_url_option
def count(url: str) -> None:
    """Count the events by their types, and those who asked to be forgotten."""
    from collections import Counter

    from bitrecall.tables import aligned
    from events.event import FORGET
    from events.store import EventStore

    store = EventStore(url, create=False)
    found = Counter(event.type for event in store.all_after(0))
    last = store.last()
    store.close()
    forgotten = found.pop(FORGET, 0)
    rows = [[kind, f"{number:,}"] for kind, number in sorted(found.items())]
    click.echo(aligned(["type", "events"], rows, right="<>"))
    click.echo(f"the last has number {last:,}; {forgotten:,} requests to be forgotten")


@events.command(
    epilog="""\b
Example:
  bitrecall events forget ada-017 --events sqlite:///events.db
"""
)
@click.argument("user_id")
@_url_option
def forget(user_id: str, url: str) -> None:
    """Remove all events of USER_ID, whom the next training leaves out.

    A running service finds out within its interval of looking.
    """
    from events.store import EventStore

    store = EventStore(url)
    removed = store.forget(user_id)
    store.close()
    click.echo(f"removed {removed:,} events of {user_id}")


@events.command(
    epilog="""\b
Examples:
  bitrecall events remove --after 120000 --until 150000 --dry-run
  bitrecall events remove --after 120000 --until 150000
"""
)
@option(
    "--after",
    type=click.IntRange(min=0),
    required=True,
    metavar="N",
    help="Those with a greater number.",
)
@option(
    "--until",
    type=click.IntRange(min=0),
    required=True,
    metavar="N",
    help="And none beyond this one.",
)
@option("--dry-run", is_flag=True, help="Only say how many there are.")
@_url_option
def remove(after: int, until: int, dry_run: bool, url: str) -> None:
    """Remove a range of events, such as those that came while something sent nonsense.

    The report of a night says which numbers it read. Marks of those who asked to be forgotten stay.
    A running service knows what it has read until it takes up a release or is started again.
    """
    from events.store import EventStore

    store = EventStore(url, create=False)
    found = store.count(after, until) if dry_run else store.remove(after, until)
    store.close()
    click.echo(f"{'there are' if dry_run else 'removed'} {found:,} events")
