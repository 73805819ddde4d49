"""The data of a retraining run: its pairs, and counts of its events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bitrecall.events.position import LogPosition
from bitrecall.training.data.event_interactions import UnusableEvent
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.export import SeenRepeats


@dataclass(frozen=True)
class EventCounts:
    """Counts of the events since the parent release.

    Checks use ``judged`` events: those of users who sent too many say nothing about the others.

    Attributes:
        read: all events read.
        taken: events of a user with an item that are trained on.
        hidden: events that hide an item from a user.
        forgotten: users who asked to be forgotten.
        judged: events in ``taken`` by users who did not exceed the limit.
        repeated: judged events whose pair was known already, from the parent or an earlier event.
        of_unknown_users: judged events by users that the parent does not know.
        of_unknown_items: judged events on items that the parent does not know.
        by_user: number of events of each user.
        over: events left out of users who exceeded the limit: all but their last ones, and those
            on items that no other user has.
        flooding: number of events of each user who exceeded the limit.
        unusable: events that cannot be used, which are left out.
        unusable_examples: the first of these.
        filtered: events that a row filter or weights left out.
        selection: summary of the row filter and weights, for the log.
        after: number of the event after which reading started.
        from_start: why all events of the database were read; None if only those since the parent.
    """

    read: int
    taken: int
    hidden: int
    forgotten: int
    judged: int
    repeated: int
    of_unknown_users: int
    of_unknown_items: int
    by_user: Counter[str]
    over: int = 0
    flooding: dict[str, int] = field(default_factory=dict)
    unusable: int = 0
    unusable_examples: list[UnusableEvent] = field(default_factory=list)
    filtered: int = 0
    selection: tuple[str, ...] = ()
    after: int = 0
    from_start: str | None = None


@dataclass(frozen=True, eq=False)
class RetrainingData:
    """The data of a retraining run.

    Attributes:
        pairs: all pairs to train on, over the ids that have one.
        fresh: bool (nnz,), pairs that the parent was not trained on.
        judged: bool (nnz,), fresh pairs that checks and gate use: those of users who did not
            exceed the limit of events.
        moments: float64 (nnz,), time of each pair's first event, in seconds; NaN if unknown.
        position: how far the events were read.
        counts: counts of the events.
        from_files: pairs from the files, without forgotten users; None without files.
        repeats: how often users took the items of ``pairs``; None if the parent has no repeats.
    """

    pairs: Interactions
    fresh: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    moments: NDArray[np.float64]
    position: LogPosition
    counts: EventCounts
    from_files: int | None
    repeats: SeenRepeats | None = None
