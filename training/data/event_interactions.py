"""Joining what users did in the service to what is trained on."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.events.event import FORGET, HIDE, StoredEvent
from bitrecall.events.rules import event_fault
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import ReadOptions
from bitrecall.training.data.rows.event_selection import select_events

__all__ = ["EventInteractions", "JoinedDataset", "UnusableEvent", "join_events", "read_events"]

# Of the events that cannot be used, so many are named.
_NAMED: Final = 20


@dataclass(frozen=True)
class UnusableEvent:
    """An event in the database that cannot be used.

    Attributes:
        event: its number.
        user: id of the user, cut short; as Python writes it if it is no text.
        item: of the item, likewise.
        reason: what is wrong with it.
    """

    event: int
    user: str
    item: str
    reason: str

    def __str__(self) -> str:
        return f"event {self.event:,} (user {self.user}, item {self.item}): {self.reason}"


@dataclass(frozen=True, eq=False)
class EventInteractions:
    """What events say: who took what, and who asked to be forgotten.

    Attributes:
        users: int32 (t,), the row of who took an item, in the order of the events.
        items: int32 (t,), the row of the item.
        times: float64 (t,), when, in seconds since 1970-01-01 UTC.
        forgotten: int64, the rows of the users who asked for it, increasing.
        hidden: how many events hide an item.
        last: the last event, None without any.
        unusable: how many events cannot be used, by the rules of `bitrecall.events.rules`.
        left_out: the first of these.
        weights: float64 (t,), above 0, how much each counts; None if all count alike.
        filtered: how many events filters and weights left out.
        selection: what these did, for people.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64]
    forgotten: NDArray[np.int64]
    hidden: int
    last: StoredEvent | None
    unusable: int
    left_out: list[UnusableEvent]
    weights: NDArray[np.float64] | None = None
    filtered: int = 0
    selection: tuple[str, ...] = ()

    def select(self, chosen: NDArray[np.bool_]) -> EventInteractions:
        """The same with only the items taken where the mask (t,) holds."""
        return replace(
            self,
            users=self.users[chosen],
            items=self.items[chosen],
            times=self.times[chosen],
            weights=None if self.weights is None else self.weights[chosen],
        )


@dataclass(frozen=True)
class JoinedDataset:
    """A data set with events in it.

    Attributes:
        dataset: what to train on: its own pairs and those of the events.
        last: the last event that was read, None without any.
        pairs: how many pairs the events brought that were not there.
        forgotten: how many users of the data set were left out because they asked for it.
        unusable: how many events cannot be used.
        left_out: the first of these.
        selection: what filters and weights did, for people.
    """

    dataset: Dataset
    last: StoredEvent | None
    pairs: int
    forgotten: int
    unusable: int
    left_out: list[UnusableEvent]
    selection: tuple[str, ...] = ()


def join_events(
    dataset: Dataset, events: Iterable[StoredEvent], options: ReadOptions | None = None
) -> JoinedDataset:
    """Add the pairs of events to those that are trained on, and leave out who asked for it.

    An item that a user hid is no pair of theirs, unless they had it before. Whoever asked to be
    forgotten is left out of train and test alike; what they did afterwards counts. Events come
    after all pairs of the data set in the order that the latest validation split goes by.

    Args:
        dataset: as read from files.
        events: all of them, in their order.
        options: which events count, and how much; None for all alike.

    Raises:
        DataError: an expression of the options is not valid.
    """
    options = ReadOptions() if options is None else options
    train = dataset.train
    users = {user: row for row, user in enumerate(train.user_ids)}
    items = {item: row for row, item in enumerate(train.item_ids)}
    taken = read_events(events, users, items, options)
    gone = taken.forgotten
    kept = train.select(~np.isin(train.users, gone))
    joined = collapse(
        list(users),
        list(items),
        np.concatenate([kept.users, taken.users]),
        np.concatenate([kept.items, taken.items]),
        None if kept.times is None else np.concatenate([kept.times, taken.times]),
        None if kept.places is None else _places(kept, len(taken.users)),
        joined_weights((len(kept), kept.weights), (len(taken.users), taken.weights)),
        options.pair_weight,
    )
    test = dataset.test
    if test is not None:
        left = test.select(~np.isin(test.users, gone))
        test = replace(left, user_ids=joined.user_ids, item_ids=joined.item_ids)
        test = test.select(~np.isin(test.keys(), joined.keys()))
    return JoinedDataset(
        dataset=replace(dataset, train=joined, test=test),
        last=taken.last,
        pairs=len(joined) - len(kept),
        forgotten=int(np.isin(gone, np.flatnonzero(train.user_degrees)).sum()),
        unusable=taken.unusable,
        left_out=taken.left_out,
        selection=taken.selection,
    )


def joined_weights(
    *parts: tuple[int, NDArray[np.floating[Any]] | None],
) -> NDArray[np.float64] | None:
    """The weights of several lists of pairs, one after another; None if none has any.

    Args:
        parts: how many pairs a list has, and what they weigh; None weighs each 1.
    """
    if all(weights is None for _, weights in parts):
        return None
    return np.concatenate(
        [
            np.ones(count) if weights is None else weights.astype(np.float64)
            for count, weights in parts
        ]
    )


def read_events(
    events: Iterable[StoredEvent],
    users: dict[str, int],
    items: dict[str, int],
    options: ReadOptions | None = None,
) -> EventInteractions:
    """Read events; ids that come up get the next rows of ``users`` and ``items``.

    Events that cannot be used, and those that the options leave out, are counted.
    """
    choosing = options is not None and (options.where, options.weight) != (None, None)
    candidates: list[StoredEvent] = []
    rows: list[tuple[int, int, float]] = []
    forgotten: set[int] = set()
    left_out: list[UnusableEvent] = []
    hidden = unusable = 0
    last: StoredEvent | None = None
    now = time.time()
    for event in events:
        last = event
        _, user_id, item_id, kind, at = event
        if fault := event_fault(user_id, item_id, kind, at, now):
            unusable += 1
            if unusable <= _NAMED:
                left_out.append(
                    UnusableEvent(event.sequence, _shown(user_id), _shown(item_id), fault)
                )
        elif kind == HIDE:
            hidden += 1
        else:
            user = users.setdefault(user_id, len(users))
            if kind == FORGET:
                forgotten.add(user)
            else:
                rows.append((user, items.setdefault(item_id, len(items)), at))
                if choosing:
                    candidates.append(event)
    taken_by, taken, times = np.array(rows, np.float64).reshape(-1, 3).T
    everything = EventInteractions(
        taken_by.astype(np.int32),
        taken.astype(np.int32),
        times,
        np.array(sorted(forgotten), np.int64),
        hidden,
        last,
        unusable,
        left_out,
    )
    if not choosing or options is None:
        return everything
    chosen = select_events(candidates, options)
    return replace(
        everything.select(chosen.rows),
        weights=chosen.weights,
        filtered=int((~chosen.rows).sum()),
        selection=chosen.lines,
    )


def _shown(value: Any) -> str:
    """An id as ASCII that can be printed and written anywhere."""
    return ascii(value[:60] if isinstance(value, str | bytes) else value)


def _places(kept: Interactions, count: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where each pair stood, those of events after all others."""
    places = kept.places if kept.places is not None else np.empty(0, np.int64)
    after = int(places.max(initial=-1)) + 1
    return np.concatenate([places, np.arange(after, after + count)])
