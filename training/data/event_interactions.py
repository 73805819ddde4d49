"""Turn events of the service into interactions, and add them to a data set."""

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
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.data.rows.event_selection import select_events

__all__ = ["EventInteractions", "JoinedDataset", "UnusableEvent", "join_events", "read_events"]

# Number of unusable events that are reported individually.
_MAX_EXAMPLES: Final = 20


@dataclass(frozen=True)
class UnusableEvent:
    """An event in the database that cannot be used.

    Attributes:
        event: sequence number of the event.
        user: ASCII ``repr`` of the user id, shortened.
        item: ASCII ``repr`` of the item id, shortened.
        reason: why the event cannot be used.
    """

    event: int
    user: str
    item: str
    reason: str

    def __str__(self) -> str:
        return f"event {self.event:,} (user {self.user}, item {self.item}): {self.reason}"


@dataclass(frozen=True, eq=False)
class EventInteractions:
    """Interactions of events, and the users that must be forgotten.

    Attributes:
        users: int32 (t,), user row of each interaction, in the order of the events.
        items: int32 (t,), item row of each interaction.
        times: float64 (t,), seconds since 1970-01-01 UTC.
        forgotten: int64, rows of the users that asked to be forgotten, increasing.
        hidden: number of events that hide an item.
        last: the last event, None without events.
        unusable: number of events that cannot be used, by the rules of ``bitrecall.events.rules``.
        unusable_examples: the first of these events.
        weights: float64 (t,), above 0, weight of each interaction; None weights all alike.
        filtered: number of events that filters and weights left out.
        selection: lines of text about filters and weights.
    """

    users: NDArray[np.int32]
    items: NDArray[np.int32]
    times: NDArray[np.float64]
    forgotten: NDArray[np.int64]
    hidden: int
    last: StoredEvent | None
    unusable: int
    unusable_examples: list[UnusableEvent]
    weights: NDArray[np.float64] | None = None
    filtered: int = 0
    selection: tuple[str, ...] = ()

    def select(self, chosen: NDArray[np.bool_]) -> EventInteractions:
        """Return the same with only the interactions that a boolean mask (t,) selects."""
        return replace(
            self,
            users=self.users[chosen],
            items=self.items[chosen],
            times=self.times[chosen],
            weights=None if self.weights is None else self.weights[chosen],
        )


@dataclass(frozen=True)
class JoinedDataset:
    """A data set with the interactions of events.

    Attributes:
        dataset: the pairs of the data set and of the events.
        last: the last event that was read, None without events.
        pairs: number of new pairs that the events added.
        forgotten: number of users of the data set that were left out because they asked to be
            forgotten.
        unusable: number of events that cannot be used.
        unusable_examples: the first of these events.
        selection: lines of text about filters and weights.
    """

    dataset: Dataset
    last: StoredEvent | None
    pairs: int
    forgotten: int
    unusable: int
    unusable_examples: list[UnusableEvent]
    selection: tuple[str, ...] = ()


def join_events(
    dataset: Dataset, events: Iterable[StoredEvent], options: ReadOptions | None = None
) -> JoinedDataset:
    """Add the pairs of events to the train split, and leave out users that asked to be forgotten.

    An event that hides an item adds no pair, and removes none. Users that asked to be forgotten are
    left out of train and test, but their later events count. For the validation split by recency,
    for ages of rows, and if the pairs are ordered by their rows, events are later than all pairs of
    the data set.

    Args:
        dataset: as read from files.
        events: all events, in their order.
        options: filters and weights of events; None keeps all and weights them alike.

    Raises:
        DataError: an expression of the options is not valid.
    """
    options = ReadOptions() if options is None else options
    train = dataset.train
    users = {user: row for row, user in enumerate(train.user_ids)}
    items = {item: row for row, item in enumerate(train.item_ids)}
    added = read_events(events, users, items, options)
    forgotten = added.forgotten
    kept = train.select(~np.isin(train.users, forgotten))
    joined = collapse(
        list(users),
        list(items),
        np.concatenate([kept.users, added.users]),
        np.concatenate([kept.items, added.items]),
        None if kept.times is None else np.concatenate([kept.times, added.times]),
        None
        if kept.places is None
        else np.concatenate([kept.places, _after(kept.places, len(added.users))]),
        joined_weights((len(kept), kept.weights), (len(added.users), added.weights)),
        options.pair_weight,
        _order(kept, added),
    )
    test = dataset.test
    if test is not None:
        test = test.select(~np.isin(test.users, forgotten))
        test = replace(test, user_ids=joined.user_ids, item_ids=joined.item_ids)
        test = test.select(~np.isin(test.keys(), joined.keys()))
    repeated = dataset.repeated
    if repeated is not None:
        repeated = repeated.select(~np.isin(repeated.users, forgotten))
        repeated = replace(repeated, user_ids=joined.user_ids, item_ids=joined.item_ids)
    rows = dataset.rows or RowAges.of_pairs(train)
    if rows is not None:
        rows = rows.followed_by(train, joined, added.users, added.items, forgotten)
    return JoinedDataset(
        dataset=replace(
            dataset,
            train=joined,
            test=test,
            repeated=repeated,
            rows=rows,
        ),
        last=added.last,
        pairs=len(joined) - len(kept),
        forgotten=int(np.isin(forgotten, np.flatnonzero(train.user_degrees)).sum()),
        unusable=added.unusable,
        unusable_examples=added.unusable_examples,
        selection=added.selection,
    )


def joined_weights(
    *parts: tuple[int, NDArray[np.floating[Any]] | None],
) -> NDArray[np.float64] | None:
    """Concatenate the weights of several lists of pairs; None if no list has weights.

    Args:
        parts: number of pairs of each list, and their weights; None stands for weights of 1.
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
    """Read events; new ids get the next rows of ``users`` and ``items``.

    Unusable events, and events that the options leave out, are counted.
    """
    has_selection = options is not None and (options.where, options.weight) != (None, None)
    candidates: list[StoredEvent] = []
    rows: list[tuple[int, int, float]] = []
    forgotten: set[int] = set()
    examples: list[UnusableEvent] = []
    hidden = unusable = 0
    last: StoredEvent | None = None
    now = time.time()
    for event in events:
        last = event
        _, user_id, item_id, kind, event_time = event
        if fault := event_fault(user_id, item_id, kind, event_time, now):
            unusable += 1
            if unusable <= _MAX_EXAMPLES:
                examples.append(
                    UnusableEvent(event.sequence, _shown(user_id), _shown(item_id), fault)
                )
        elif kind == HIDE:
            hidden += 1
        else:
            user = users.setdefault(user_id, len(users))
            if kind == FORGET:
                forgotten.add(user)
            else:
                rows.append((user, items.setdefault(item_id, len(items)), event_time))
                if has_selection:
                    candidates.append(event)
    user_rows, item_rows, times = np.array(rows, np.float64).reshape(-1, 3).T
    interactions = EventInteractions(
        user_rows.astype(np.int32),
        item_rows.astype(np.int32),
        times,
        np.array(sorted(forgotten), np.int64),
        hidden,
        last,
        unusable,
        examples,
    )
    if not has_selection or options is None:
        return interactions
    chosen = select_events(candidates, options)
    return replace(
        interactions.select(chosen.rows),
        weights=chosen.weights,
        filtered=int((~chosen.rows).sum()),
        selection=chosen.lines,
    )


def _shown(value: Any) -> str:
    """Format an id as shortened ASCII that can be printed anywhere."""
    return ascii(value[:60] if isinstance(value, str | bytes) else value)


def _order(kept: Interactions, added: EventInteractions) -> NDArray[np.float64] | None:
    """Return the order of all rows: that of the times, or else events after all other pairs."""
    if kept.order is None:
        return None
    events = added.times if kept.times is not None else _after(kept.order, len(added.users))
    return np.concatenate([kept.order, events])


def _after(values: NDArray[Any], count: int) -> NDArray[Any]:
    after: NDArray[Any] = np.arange(count) + (values.max(initial=-1) + 1)
    return after
