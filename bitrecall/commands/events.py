"""``bitrecall events``: look after the database of events."""

from collections.abc import Callable
from typing import Any

import click

from bitrecall.commands.options import json_option, option, progress_option


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
    """Look after the database of events: list, count, remove, forget, copy, migrate."""


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
    from bitrecall.events.store import EventStore

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
    from bitrecall.events.event import FORGET
    from bitrecall.events.store import EventStore
    from bitrecall.tables import aligned

    store = EventStore(url, create=False)
    found = dict(store.count_types())
    last = store.last()
    store.close()
    forgotten = found.pop(FORGET, 0)
    rows = [
        [kind if kind.isprintable() else ascii(kind), f"{number:,}"]
        for kind, number in found.items()
    ]
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
    from bitrecall.events.store import EventStore

    store = EventStore(url)
    removed = store.forget(user_id)
    store.close()
    click.echo(f"removed {removed:,} events of {user_id}")


@events.command(
    name="list",
    epilog="""\b
Examples:
  bitrecall events list --user ada-017
  bitrecall events list --item sku-88 --type buy --limit 1000 --json
  bitrecall events list --after 120000 --until 150000
  bitrecall events list --unusable           # those that training leaves out, and why
""",
)
@option("--user", metavar="ID", help="Those of a user.")
@option("--item", metavar="ID", help="Those of an item.")
@option("--type", "kind", metavar="TYPE", help="Those of a type, such as hide.")
@option("--after", type=click.IntRange(min=0), default=0, metavar="N", help="Greater numbers only.")
@option("--until", type=click.IntRange(min=0), metavar="N", help="Numbers up to this one only.")
@option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    metavar="N",
    help="How many at most; the message at the end says how to see the next.",
)
@option("--unusable", is_flag=True, help="Only those that cannot be used, with the reason.")
@json_option
@_url_option
def list_events(
    user: str | None,
    item: str | None,
    kind: str | None,
    after: int,
    until: int | None,
    limit: int,
    unusable: bool,
    as_json: bool,
    url: str,
) -> None:
    """List events by user, item, type and number, in the order in which they came.

    Requests to be forgotten have the type $forget and no item.
    """
    from bitrecall.event_listing import as_json_text, as_table, matching
    from bitrecall.events.store import EventStore

    store = EventStore(url, create=False)
    chosen = {"user": user, "item": item, "kind": kind, "until": until}
    listed, more = matching(store, after, limit, unusable, chosen)
    store.close()
    if as_json:
        click.echo(as_json_text(listed))
        return
    click.echo(as_table(listed, unusable))
    if more:
        click.echo(f"there are more: --after {listed[-1].event.sequence}", err=True)


@events.command(
    epilog="""\b
Examples:
  bitrecall events remove 120311 120312
  bitrecall events remove --after 120000 --until 150000 --dry-run
  bitrecall events remove --after 120000 --until 150000
"""
)
@click.argument("numbers", type=click.IntRange(min=1), nargs=-1, metavar="[NUMBER]...")
@option(
    "--after",
    type=click.IntRange(min=0),
    metavar="N",
    help="Those with a greater number; together with --until.",
)
@option(
    "--until",
    type=click.IntRange(min=0),
    metavar="N",
    help="And none beyond this one.",
)
@option("--dry-run", is_flag=True, help="Only say how many there are.")
@_url_option
def remove(
    numbers: tuple[int, ...], after: int | None, until: int | None, dry_run: bool, url: str
) -> None:
    """Remove events by their NUMBERs, or a range of them.

    The report of a retraining run says which numbers it read, and which of them it could not use;
    `bitrecall events list` shows them. Marks of those who asked to be forgotten stay. A running
    service knows what it has read until it takes up a release or is started again.
    """
    from bitrecall.events.store import EventStore

    if bool(numbers) == (after is not None or until is not None):
        raise click.UsageError("give either the numbers of events, or --after and --until")
    store = EventStore(url, create=False)
    if numbers:
        single = store.count_numbers if dry_run else store.remove_numbers
        found = single(numbers)
    elif after is None or until is None:
        raise click.UsageError("a range needs both --after and --until")
    else:
        found = store.count(after, until) if dry_run else store.remove(after, until)
    store.close()
    click.echo(f"{'there are' if dry_run else 'removed'} {found:,} events")


@events.command(
    epilog="""\b
Example:
  bitrecall events copy sqlite:///events.db --events postgresql://bitrecall@db.example/bitrecall
"""
)
@click.argument("source")
@option(
    "--events",
    "url",
    required=True,
    envvar="BITRECALL_EVENTS",
    metavar="URL",
    help="Where to: a database that never had events. Tables are made if there are none.",
)
@progress_option
def copy(source: str, url: str, progress: bool | None) -> None:
    """Copy all events of SOURCE into an empty database, to move from SQLite to PostgreSQL or back.

    SOURCE is the URL of the database that has them. Numbers and the id of the database stay, so a
    release that was trained on SOURCE goes on after its last event in the copy. Stop whatever
    writes events before, and start it with the new URL afterwards.
    """
    import sys

    from bitrecall.events.copying import copy_events
    from bitrecall.events.location import place_of
    from bitrecall.events.store import EventStore

    if place_of(source).shown == place_of(url).shown:
        raise click.UsageError("SOURCE and the target are the same database")
    origin, target = EventStore(source, create=False), EventStore(url)
    shown = sys.stderr.isatty() if progress is None else progress
    try:
        total = origin.count(0, origin.last())
        with click.progressbar(
            length=total, label="copying", file=sys.stderr, hidden=not shown
        ) as bar:
            copied = copy_events(origin, target, lambda done: bar.update(done - bar.pos))
    finally:
        origin.close()
        target.close()
    click.echo(
        f"copied {copied.events:,} events up to number {copied.last:,} to {place_of(url).shown}"
    )
    if copied.left_out:
        click.echo(
            f"left out {copied.left_out:,} that cannot be used: 'bitrecall events list --unusable "
            f"--events {source}' shows them",
            err=True,
        )
