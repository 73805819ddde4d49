"""Reading what a night has to go by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from events.event import StoredEvent
from events.store import EventStore
from index.errors import NoReleaseError
from index.release import Release
from index.store import ReleaseStore
from training.data.interactions import Interactions
from training.data.item_table import ItemTable
from training.nightly.gather import Gathered, gather
from training.nightly.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Sources:
    """Where a night's data come from.

    Attributes:
        files: pairs that were given; None where none were.
        items: tags and attributes that were given; None keeps those of the parent.
        events: what users did; None where events are not kept.
    """

    files: Interactions | None = None
    items: ItemTable | None = None
    events: EventStore | None = None


def parent_of(store: ReleaseStore) -> Release | None:
    """The release that is served, None where nothing was ever published.

    Raises NoReleaseError where there are releases, and none that can be opened.
    """
    try:
        return store.open_current()
    except NoReleaseError:
        if store.list(verify=False):
            raise
        return None


def read(sources: Sources, parent: Release | None, workspace: Workspace) -> Gathered:
    """Gather everything, the events up to where the night before broke off, if it did."""
    if sources.events is None:
        return gather(parent, sources.files, ())
    until = workspace.until(None if parent is None else parent.id, sources.events.last())
    after = 0 if parent is None else parent.manifest.data.last_event
    events: Iterable[StoredEvent] = takewhile(
        lambda one: one.sequence <= until, sources.events.all_after(after)
    )
    return gather(parent, sources.files, events, sources.events.forgotten())


def as_counts(gathered: Gathered, parent: Release | None) -> dict[str, Any]:
    """What came in, for the report."""
    counts = gathered.counts
    return {
        "pairs": len(gathered.pairs),
        "new_pairs": int(gathered.fresh.sum()),
        "users": gathered.pairs.n_users,
        "items": gathered.pairs.n_items,
        "pairs_of_files": gathered.from_files,
        "events": counts.read,
        "events_taken": counts.taken,
        "events_hidden": counts.hidden,
        "events_repeated": counts.repeated,
        "events_of_unknown_users": counts.of_unknown_users,
        "events_of_unknown_items": counts.of_unknown_items,
        "forgotten": counts.forgotten,
        "after_event": 0 if parent is None else parent.manifest.data.last_event,
        "last_event": gathered.last_event,
    }
