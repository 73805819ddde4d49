"""Joining what users did in the service to what is trained on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from events.event import FORGET, HIDE, StoredEvent
from training.data.dataset import Dataset
from training.data.interactions import Interactions, collapse

__all__ = ["Joined", "Taken", "join_events", "take_events"]


@dataclass(frozen=True, eq=False)
class Taken:
    """What events say: who took what, and who asked to be forgotten.

    Attributes:
        users: int32 (t,), the row of who took an item, in the order of the events.
        items: int32 (t,), the row of the item.
        times: float64 (t,), when, in seconds since 1970-01-01 UTC.
        forgotten: int64, the rows of the users who asked for it, increasing.
        hidden: how many events hide an item.
        last_event: the number of the last event, 0 where there was none.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64]
    forgotten: NDArray[np.int64]
    hidden: int
    last_event: int


@dataclass(frozen=True)
class Joined:
    """A data set with events in it.

    Attributes:
        dataset: what to train on: its own pairs and those of the events.
        last_event: the number of the last event that was read, 0 where there was none.
        pairs: how many pairs the events brought that were not there.
        forgotten: how many users of the data set were left out because they asked for it.
    """

    dataset: Dataset
    last_event: int
    pairs: int
    forgotten: int


def join_events(dataset: Dataset, events: Iterable[StoredEvent]) -> Joined:
    """Add the pairs of events to those that are trained on, and leave out who asked for it.

    An item that a user hid is no pair of theirs, unless they had it before. Whoever asked to be
    forgotten is left out of train and test alike; what they did afterwards counts. Events come
    after all pairs of the data set in the order that the latest validation split goes by.

    Args:
        dataset: as read from files.
        events: all of them, in their order.
    """
    train = dataset.train
    users = {user: row for row, user in enumerate(train.user_ids)}
    items = {item: row for row, item in enumerate(train.item_ids)}
    taken = take_events(events, users, items)
    gone = taken.forgotten
    kept = train.select(~np.isin(train.users, gone))
    joined = collapse(
        list(users),
        list(items),
        np.concatenate([kept.users, taken.users]),
        np.concatenate([kept.items, taken.items]),
        None if kept.times is None else np.concatenate([kept.times, taken.times]),
        None if kept.places is None else _places(kept, len(taken.users)),
    )
    test = dataset.test
    if test is not None:
        left = test.select(~np.isin(test.users, gone))
        test = replace(left, user_ids=joined.user_ids, item_ids=joined.item_ids)
        test = test.select(~np.isin(test.keys(), joined.keys()))
    return Joined(
        dataset=replace(dataset, train=joined, test=test),
        last_event=taken.last_event,
        pairs=len(joined) - len(kept),
        forgotten=int(np.isin(gone, np.flatnonzero(train.user_degrees)).sum()),
    )


def take_events(
    events: Iterable[StoredEvent], users: dict[str, int], items: dict[str, int]
) -> Taken:
    """Read events; ids that come up get the next rows of ``users`` and ``items``."""
    rows: list[tuple[int, int, float]] = []
    forgotten: set[int] = set()
    hidden = last = 0
    for event in events:
        last = event.sequence
        if event.type == HIDE:
            hidden += 1
            continue
        user = users.setdefault(event.user_id, len(users))
        if event.type == FORGET:
            forgotten.add(user)
        else:
            rows.append((user, items.setdefault(event.item_id, len(items)), event.at))
    taken_by, taken, times = np.array(rows, np.float64).reshape(-1, 3).T
    return Taken(
        taken_by.astype(np.int32),
        taken.astype(np.int32),
        times,
        np.array(sorted(forgotten), np.int64),
        hidden,
        last,
    )


def _places(kept: Interactions, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where each pair stood, those of events after all others."""
    places = kept.places if kept.places is not None else np.empty(0, np.int64)
    after = int(places.max(initial=-1)) + 1
    return np.concatenate([places, np.arange(after, after + count)])
