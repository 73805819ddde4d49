"""Reading the inputs of a retraining run."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from typing import Any, Final

from bitrecall.events.event import StoredEvent
from bitrecall.events.position import NOTHING_READ, position_of
from bitrecall.events.store import EventStore
from bitrecall.index.errors import NoReleaseError
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.items.item_table import ItemTable
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.retraining.collect import collect
from bitrecall.training.retraining.retraining_data import RetrainingData
from bitrecall.training.retraining.workspace import Workspace

# Users above the limit of events who are named in the report.
_NAMED: Final = 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class RetrainingInputs:
    """Data sources of a retraining run.

    Attributes:
        files: pairs read from files; None without files.
        items: tags and attributes; None keeps those of the parent.
        events: the events database; None without one.
        options: which events count, and their weights.
    """

    files: Interactions | None = None
    items: ItemTable | None = None
    events: EventStore | None = None
    options: ReadOptions = field(default_factory=ReadOptions)


def current_release(store: ReleaseStore) -> Release | None:
    """Open the current release; None before the first publication.

    Raises:
        NoReleaseError: there are releases, but none can be opened.
    """
    try:
        return store.open_current()
    except NoReleaseError:
        if store.list(verify=False):
            raise
        return None


def read(
    sources: RetrainingInputs, parent: Release | None, workspace: Workspace, max_user_events: int
) -> RetrainingData:
    """Collect all data. After an interrupted run, read the same events as that run.

    Args:
        sources: where the data come from.
        parent: the release that is served.
        workspace: records which events an interrupted run read.
        max_user_events: maximum events per user.
    """
    if sources.events is None:
        return collect(parent, sources.files, (), options=sources.options)
    position = NOTHING_READ if parent is None else position_of(parent.manifest.data)
    start = sources.events.start_after(position)
    if start.reason is not None:
        _log.warning("%s", start.reason)
    until = workspace.until(
        None if parent is None else parent.id, start.log_id, sources.events.last_sequence()
    )
    events: Iterable[StoredEvent] = takewhile(
        lambda event: event.sequence <= until, sources.events.all_after(start.after)
    )
    forgotten = sources.events.forgotten_users()
    data = collect(
        parent, sources.files, events, forgotten, start, max_user_events, sources.options
    )
    for line in data.counts.selection:
        _log.info("%s", line)
    for event in data.counts.unusable_examples:
        _log.warning("left out %s", event)
    for user, sent in data.counts.flooding.items():
        _log.warning("user %a sent %d events: at most %d count", user, sent, max_user_events)
    return data


def as_counts(data: RetrainingData) -> dict[str, Any]:
    """Summarise the data for the report."""
    counts = data.counts
    return {
        "pairs": len(data.pairs),
        "new_pairs": int(data.fresh.sum()),
        "users": data.pairs.n_users,
        "items": data.pairs.n_items,
        "pairs_of_files": data.from_files,
        "events": counts.read,
        "events_taken": counts.taken,
        "events_hidden": counts.hidden,
        "events_repeated": counts.repeated,
        "events_of_unknown_users": counts.of_unknown_users,
        "events_of_unknown_items": counts.of_unknown_items,
        "events_over": counts.over,
        "events_unusable": counts.unusable,
        "events_filtered": counts.filtered,
        "filters_and_weights": list(counts.selection),
        "forgotten": counts.forgotten,
        "events_id": data.position.log_id,
        "after_event": counts.after,
        "last_event": data.position.sequence,
        "read_from_start": counts.from_start,
        "flooding": dict(list(counts.flooding.items())[:_NAMED]),
        "unusable": [asdict(event) for event in counts.unusable_examples],
    }
