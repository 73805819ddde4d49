"""The training data of a retraining run: the parent release's pairs, files, and later events.

A release holds its training pairs, so it is its own snapshot. Nothing else has to be kept, and
after a rollback the next run starts from the release that is served.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.events.event import StoredEvent
from bitrecall.events.position import LogPosition, ReadingStart, position_after, position_of
from bitrecall.index.releases.release import Release
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.event_interactions import (
    EventInteractions,
    joined_weights,
    read_events,
)
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.read_options import PairWeight, ReadOptions
from bitrecall.training.retraining.repeated_items import repeated_items
from bitrecall.training.retraining.retraining_data import EventCounts, RetrainingData
from bitrecall.training.retraining.row_order import has_order, row_order

_NONE = np.empty(0, np.int32)


class _Rows:
    """Pairs in the order they are added, over a growing vocabulary."""

    def __init__(self, user_ids: list[str], item_ids: list[str]) -> None:
        self.users = {text: row for row, text in enumerate(user_ids)}
        self.items = {text: row for row, text in enumerate(item_ids)}
        self._parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]] = []
        self._weights: list[tuple[int, NDArray[np.floating[Any]] | None]] = []
        self.file_order: NDArray[np.float64] | None = None

    def add(
        self,
        users: NDArray[np.int32],
        items: NDArray[np.int32],
        at: NDArray[np.float64],
        weights: NDArray[np.floating[Any]] | None = None,
    ) -> None:
        self._parts.append((users, items, at))
        self._weights.append((len(users), weights))

    def add_from(self, files: Interactions, without: Collection[str]) -> int:
        """Add the pairs of a data set except those of some users; return how many were added."""
        users, items = (
            np.array([rows.setdefault(text, len(rows)) for text in ids], np.int32)
            for rows, ids in ((self.users, files.user_ids), (self.items, files.item_ids))
        )
        gone = np.array([text in without for text in files.user_ids], np.bool_)
        kept = ~gone[files.users]
        at = np.full(len(files), np.nan) if files.times is None else files.times
        weights = None if files.weights is None else files.weights[kept]
        self.file_order = None if files.order is None else files.order[kept]
        self.add(users[files.users[kept]], items[files.items[kept]], at[kept], weights)
        return int(kept.sum())

    def item_rows(self) -> NDArray[np.int32]:
        """Item rows of the pairs so far, with repetitions."""
        return np.concatenate([items for _, items, _ in self._parts])

    def weights(self) -> NDArray[np.float64] | None:
        """Weights of the pairs so far, in their order; None if no pair has a weight."""
        return joined_weights(*self._weights)

    def joined(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        users, items, at = zip(*self._parts, strict=True)
        return np.concatenate(users), np.concatenate(items), np.concatenate(at)


def collect(
    parent: Release | None,
    files: Interactions | None,
    events: Iterable[StoredEvent],
    forgotten: Collection[str] = (),
    start: ReadingStart | None = None,
    max_user_events: int | None = None,
    options: ReadOptions | None = None,
) -> RetrainingData:
    """Join the parent's pairs, those of files and those of events.

    Args:
        parent: the release that is served; None before the first one.
        files: pairs read from files; None without files.
        events: events after ``start``, in their order.
        forgotten: ids of all users ever forgotten. Their pairs in files are ignored, and so are the
            parent's pairs of users forgotten since. Their events after that count.
        start: where reading the events began; None without an events database.
        max_user_events: maximum events per user. Of a user who sent more, only the last ones
            count, and only those for items that other users have too. None sets no limit.
        options: which events count, and their weights; None counts all equally.
    """
    options = ReadOptions() if options is None else options
    rows = _Rows(*([], []) if parent is None else _ids(parent))
    known_users, known_items = len(rows.users), len(rows.items)
    everything = read_events(events, rows.users, rows.items, options)
    sent = np.bincount(everything.users, minlength=1)
    flooding = np.flatnonzero(sent > (max_user_events or np.inf))
    seen = _seen(parent)
    still = ~np.isin(seen[0], everything.forgotten)
    weights = None if parent is None or parent.seen_weights is None else parent.seen_weights[still]
    rows.add(seen[0][still], seen[1][still], np.full(int(still.sum()), np.nan), weights)
    from_files = None if files is None else rows.add_from(files, forgotten)
    taken = _without_floods(everything, flooding, rows.item_rows(), max_user_events or 0)
    rows.add(taken.users, taken.items, taken.times, taken.weights)
    users, items, at = rows.joined()
    keys = users.astype(np.int64) * max(len(rows.items), 1) + items
    before, by_event = int(still.sum()), len(keys) - len(taken.users)
    distinct, place = np.unique(keys, return_inverse=True)
    old = np.zeros(len(distinct), np.bool_)
    old[place[:before]] = True
    moments = np.full(len(distinct), np.inf)
    np.fmin.at(moments, place, at)
    moments[np.isinf(moments)] = np.nan
    names = list(rows.users)
    usual = ~np.isin(taken.users, flooding)
    usual_keys = keys[by_event:][usual]
    counts = EventCounts(
        read=len(everything.users)
        + everything.filtered
        + taken.hidden
        + len(taken.forgotten)
        + taken.unusable,
        taken=len(taken.users),
        hidden=taken.hidden,
        forgotten=len(taken.forgotten),
        judged=int(usual.sum()),
        repeated=len(usual_keys) - len(np.setdiff1d(usual_keys, keys[:by_event])),
        of_unknown_users=int((taken.users[usual] >= known_users).sum()),
        of_unknown_items=int((taken.items[usual] >= known_items).sum()),
        by_user=Counter({names[row]: int(sent[row]) for row in np.flatnonzero(sent)}),
        over=len(everything.users) - len(taken.users),
        flooding={names[row]: int(sent[row]) for row in flooding},
        unusable=taken.unusable,
        unusable_examples=taken.unusable_examples,
        filtered=everything.filtered,
        selection=everything.selection,
        after=0 if start is None else start.after,
        from_start=None if start is None else start.reason,
    )
    again = start is not None and start.reason is not None
    weighed = rows.weights()
    if weighed is not None:
        weighed = _weights_of_pairs(weighed, place, by_event, options.pair_weight, again=again)
    order = None
    if has_order(parent, files):
        ages = None if parent is None or parent.seen_ages is None else parent.seen_ages[still]
        in_parent = old[place[before:by_event]]
        order = row_order(ages, rows.file_order, in_parent, len(taken.users))
    pairs = collapse(names, list(rows.items), users, items, weights=weighed, order=order)
    return RetrainingData(
        # Pairs are in the order of their keys, which leaving out ids without a pair keeps.
        pairs.compact(),
        ~old,
        ~old & ~np.isin(pairs.users, flooding),
        moments,
        _position(parent, start, taken.last),
        counts,
        from_files,
        repeated_items(parent, still, users, place, by_event, again=again),
    )


def _weights_of_pairs(
    weights: NDArray[np.float64],
    place: NDArray[np.intp],
    by_event: int,
    pair_weight: PairWeight,
    *,
    again: bool,
) -> NDArray[np.float64]:
    """Weight of each row's pair, float64 (rows,).

    The parent and the files describe the same events, so the larger of their weights counts. Later
    events add to it (``sum``) or replace it if they weigh more (``max``). Events that are read
    ``again`` from the start are already part of the parent's weight.

    Args:
        weights: weights of the rows: first parent and files, then events.
        place: int (rows,), the pair number of each row.
        by_event: index of the first row that is an event.
        pair_weight: how the weights of several events of a pair combine.
        again: whether the events include those that the parent was trained on.
    """
    n_pairs = int(place.max(initial=-1)) + 1
    known = np.zeros(n_pairs)
    np.maximum.at(known, place[:by_event], weights[:by_event])
    if pair_weight is PairWeight.MAX:
        np.maximum.at(known, place[by_event:], weights[by_event:])
        return known[place]
    since = np.bincount(place[by_event:], weights[by_event:], minlength=n_pairs)
    total: NDArray[np.float64] = np.maximum(known, since) if again else known + since
    return total[place]


def _without_floods(
    taken: EventInteractions, flooding: NDArray[np.int64], known: NDArray[np.int32], limit: int
) -> EventInteractions:
    """Limit users who sent too many events to their last ``limit`` events of items others have.

    Args:
        taken: all item events.
        flooding: rows of the users who sent more than ``limit`` events.
        known: item rows of the parent and the files; items of other users are known as well.
        limit: maximum events per user.
    """
    if not len(flooding):
        return taken
    flood = np.isin(taken.users, flooding)
    taken = taken.select(~flood | np.isin(taken.items, np.union1d(known, taken.items[~flood])))
    order = np.argsort(taken.users, kind="stable")
    ends = np.searchsorted(taken.users[order], taken.users[order], side="right")
    from_end = np.empty(len(order), np.int64)
    from_end[order] = ends - np.arange(len(order))
    return taken.select(~np.isin(taken.users, flooding) | (from_end <= limit))


def _position(
    parent: Release | None, start: ReadingStart | None, last: StoredEvent | None
) -> LogPosition:
    before = LogPosition() if parent is None else position_of(parent.manifest.data)
    if start is None or (last is None and start.reason is None and start.after):
        return before
    return position_after(start.log_id, last)


def _ids(release: Release) -> tuple[list[str], list[str]]:
    return (
        release.users.ids_of(np.arange(release.n_users)),
        release.items.ids_of(np.arange(release.n_items)),
    )


def _seen(parent: Release | None) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    if parent is None:
        return _NONE, _NONE
    owners = np.repeat(np.arange(parent.n_users, dtype=np.int32), np.diff(parent.seen.indptr))
    return owners, np.asarray(parent.seen.rows)
