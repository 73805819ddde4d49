"""``bitrecall events``: manage the events database."""

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
        help="Events database: sqlite:///PATH or postgresql://USER@HOST/NAME.",
    )(command)


@click.group()
def events() -> None:
    """List, count, remove, forget, copy and migrate events."""


@events.command(
    epilog="""\b
Example:
  bitrecall events migrate --events postgresql://bitrecall@db.example/bitrecall
"""
)
@_url_option
def migrate(url: str) -> None:
    """Create the tables, or migrate those of an earlier version.

    The service does this itself when it first connects. Run it beforehand if the service's
    database user may not create tables.
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
    """Count the events of each type, and the forget markers."""
    from bitrecall.aligned_text import aligned
    from bitrecall.events.event import FORGET
    from bitrecall.events.store import EventStore

    store = EventStore(url, create=False)
    counts = dict(store.count_types())
    last = store.last_sequence()
    store.close()
    forgotten = counts.pop(FORGET, 0)
    rows = [
        [kind if kind.isprintable() else ascii(kind), f"{number:,}"]
        for kind, number in counts.items()
    ]
    click.echo(aligned(["type", "events"], rows, right="<>"))
    click.echo(f"last event: number {last:,}; forget markers: {forgotten:,}")


@events.command(
    epilog="""\b
Example:
  bitrecall events forget ada-017 --events sqlite:///events.db
"""
)
@click.argument("user_id")
@_url_option
def forget(user_id: str, url: str) -> None:
    """Remove all events of USER_ID, and exclude earlier interactions from retraining.

    Events that the user sends afterwards are stored, and trained on as those of a new user. Rows of
    the user in data files stay excluded from retraining. A running service applies the removal at
    its next poll (BITRECALL_POLL_INTERVAL).
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
  bitrecall events list --unusable           # events that training ignores, and why
""",
)
@option("--user", metavar="ID", help="Only events of this user.")
@option("--item", metavar="ID", help="Only events of this item.")
@option("--type", "kind", metavar="TYPE", help="Only events of this type, such as hide.")
@option(
    "--after",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="Only events after this number.",
)
@option("--until", type=click.IntRange(min=0), metavar="N", help="Only events up to this number.")
@option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    metavar="N",
    help="Maximum number of events; a final message shows how to list the next.",
)
@option("--unusable", is_flag=True, help="Only events that cannot be used, with the reason.")
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
    """List events by user, item, type and number, in order.

    Forget markers have the type $forget and no item.
    """
    from bitrecall.event_listing import as_json_text, as_table, list_matching
    from bitrecall.events.store import EventStore

    store = EventStore(url, create=False)
    conditions = {"user": user, "item": item, "kind": kind, "until": until}
    listed, more = list_matching(store, after, limit, unusable, conditions)
    store.close()
    if as_json:
        click.echo(as_json_text(listed))
        return
    click.echo(as_table(listed, unusable))
    if more:
        click.echo(f"more events follow: --after {listed[-1].event.sequence}", err=True)


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
    help="Remove events after this number; needs --until.",
)
@option(
    "--until",
    type=click.IntRange(min=0),
    metavar="N",
    help="Remove events up to this number; needs --after.",
)
@option("--dry-run", is_flag=True, help="Only count the events.")
@_url_option
def remove(
    numbers: tuple[int, ...], after: int | None, until: int | None, dry_run: bool, url: str
) -> None:
    """Remove single events by NUMBER, or a range of events.

    A retraining report lists which numbers the run read, and which it could not use; `bitrecall
    events list` shows them. Forget markers stay. A running service keeps the events that it has
    read until it loads a release or is restarted.
    """
    from bitrecall.events.store import EventStore

    if bool(numbers) == (after is not None or until is not None):
        raise click.UsageError("pass either event numbers, or --after and --until")
    store = EventStore(url, create=False)
    if numbers:
        affected = store.count_sequences(numbers) if dry_run else store.remove_sequences(numbers)
    elif after is None or until is None:
        raise click.UsageError("a range needs both --after and --until")
    elif dry_run:
        affected = store.count_range(after, until)
    else:
        affected = store.remove_range(after, until)
    store.close()
    click.echo(f"{'would remove' if dry_run else 'removed'} {affected:,} events")


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
    help="Target: a database that never had events; tables are created if missing.",
)
@progress_option
def copy(source: str, url: str, progress: bool | None) -> None:
    """Copy all events of SOURCE into an empty database, such as from SQLite to PostgreSQL.

    SOURCE is the URL of the database to copy. Event numbers and the database id stay the same, so
    a release that was trained on SOURCE continues after its last event in the copy. Stop all
    services that write events first, and start them with the new URL afterwards.
    """
    import sys

    from bitrecall.events.copying import copy_events
    from bitrecall.events.location import events_location
    from bitrecall.events.store import EventStore

    if events_location(source).text == events_location(url).text:
        raise click.UsageError("SOURCE and the target are the same database")
    origin, target = EventStore(source, create=False), EventStore(url)
    show_bar = sys.stderr.isatty() if progress is None else progress
    try:
        total = origin.count_range(0, origin.last_sequence())
        with click.progressbar(
            length=total, label="copying", file=sys.stderr, hidden=not show_bar
        ) as bar:
            result = copy_events(origin, target, lambda done: bar.update(done - bar.pos))
    finally:
        origin.close()
        target.close()
    click.echo(
        f"copied {result.copied:,} events up to number {result.last:,} to "
        f"{events_location(url).text}"
    )
    if result.unusable:
        click.echo(
            f"left out {result.unusable:,} events that cannot be used: 'bitrecall events list "
            f"--unusable --events {source}' shows them",
            err=True,
        )
