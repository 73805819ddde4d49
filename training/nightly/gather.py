"""What a night trains on: what the parent release was trained on, files, and the events since.

A release holds its pairs, so it is its own snapshot: nothing else has to be kept, and after a
rollback the next night starts from what is served.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from events.event import FORGET, HIDE, StoredEvent
from index.release import Release
from training.data.interactions import Interactions, collapse

_NONE = np.empty(0, np.int32)


@dataclass
class EventCounts:
    """What the events since the parent were.

    Attributes:
        read: all of them.
        taken: those that say a user has taken an item.
        hidden: those that hide an item from a user.
        forgotten: users who asked to be forgotten.
        repeated: of those taken, pairs that were there already, from the parent or from earlier.
        of_unknown_users: of those taken, by users that the parent does not know.
        of_unknown_items: of those taken, of items that the parent does not know.
        by_user: how many each user sent.
    """

    read: int = 0
    taken: int = 0
    hidden: int = 0
    forgotten: int = 0
    repeated: int = 0
    of_unknown_users: int = 0
    of_unknown_items: int = 0
    by_user: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, eq=False)
class Gathered:
    """Everything that a night knows.

    Attributes:
        pairs: all pairs to train on, over the ids that have one.
        fresh: bool (nnz,), those that the parent was not trained on.
        moments: float64 (nnz,), when a pair came to be, in seconds; NaN where that is unknown.
        last_event: the number of the last event read, the parent's where there was none.
        counts: of the events.
        from_files: pairs of the files, those of forgotten users left out; None without files.
    """

    pairs: Interactions
    fresh: NDArray[np.bool_]
    moments: NDArray[np.float64]
    last_event: int
    counts: EventCounts
    from_files: int | None


class _Rows:
    """Pairs as they come, over a vocabulary that grows."""

    def __init__(self, user_ids: list[str], item_ids: list[str]) -> None:
        self.users = {text: row for row, text in enumerate(user_ids)}
        self.items = {text: row for row, text in enumerate(item_ids)}
        self._parts: list[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]] = []

    def add(
        self, users: NDArray[np.int32], items: NDArray[np.int32], at: NDArray[np.float64]
    ) -> None:
        self._parts.append((users, items, at))

    def add_from(self, files: Interactions, without: Collection[str]) -> int:
        """Add the pairs of a data set but for some users; how many."""
        users, items = (
            np.array([rows.setdefault(text, len(rows)) for text in ids], np.int32)
            for rows, ids in ((self.users, files.user_ids), (self.items, files.item_ids))
        )
        gone = np.array([text in without for text in files.user_ids], np.bool_)
        kept = ~gone[files.users]
        at = np.full(len(files), np.nan) if files.times is None else files.times
        self.add(users[files.users[kept]], items[files.items[kept]], at[kept])
        return int(kept.sum())

    def joined(self) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
        users, items, at = zip(*self._parts, strict=True)
        return np.concatenate(users), np.concatenate(items), np.concatenate(at)


def gather(
    parent: Release | None,
    files: Interactions | None,
    events: Iterable[StoredEvent],
    forgotten: Collection[str] = (),
) -> Gathered:
    """Join the parent's pairs, those of files and those of events.

    Args:
        parent: the release that is served; None where there is none yet.
        files: what was given to train on; None where nothing was.
        events: those after the parent's last, in their order.
        forgotten: everybody who ever asked to be forgotten: what files say of them does not count,
            nor does what the parent knows of those who asked since. What they did afterwards does.
    """
    rows = _Rows(*([], []) if parent is None else _ids(parent))
    took: list[tuple[int, int, float]] = []
    left: set[int] = set()
    counts, last_event = EventCounts(), 0 if parent is None else parent.manifest.data.last_event
    known = (len(rows.users), len(rows.items))
    for one in events:
        last_event = one.sequence
        counts.read += 1
        if one.type == FORGET:
            counts.forgotten += 1
            left.add(rows.users.setdefault(one.user_id, len(rows.users)))
        elif one.type == HIDE:
            counts.hidden += 1
        else:
            user = rows.users.setdefault(one.user_id, len(rows.users))
            item = rows.items.setdefault(one.item_id, len(rows.items))
            took.append((user, item, one.at))
            counts.taken += 1
            counts.by_user[one.user_id] += 1
            counts.of_unknown_users += user >= known[0]
            counts.of_unknown_items += item >= known[1]
    seen = _seen(parent)
    still = ~np.isin(seen[0], np.fromiter(left, np.int64))
    rows.add(seen[0][still], seen[1][still], np.full(int(still.sum()), np.nan))
    before = int(still.sum())
    from_files = None if files is None else rows.add_from(files, forgotten)
    users, items, at = np.array(took, np.float64).reshape(-1, 3).T
    rows.add(users.astype(np.int32), items.astype(np.int32), at)
    whole, fresh, moments = _collapsed(rows, before)
    counts.repeated = counts.taken - _new_of_events(rows, before + (from_files or 0))
    return Gathered(whole, fresh, moments, last_event, counts, from_files)


def _collapsed(
    rows: _Rows, before: int
) -> tuple[Interactions, NDArray[np.bool_], NDArray[np.float64]]:
    """All pairs once; which the first ``before`` rows lack; the earliest moment known of each."""
    users, items, at = rows.joined()
    whole = collapse(list(rows.users), list(rows.items), users, items).compact()
    # Rows of ids without a pair went, and so the row numbers moved.
    keys = users.astype(np.int64) * max(len(rows.items), 1) + items
    distinct, place = np.unique(keys, return_inverse=True)
    old = np.zeros(len(distinct), np.bool_)
    old[place[:before]] = True
    moments = np.full(len(distinct), np.inf)
    np.fmin.at(moments, place, at)
    moments[np.isinf(moments)] = np.nan
    return whole, ~old, moments


def _new_of_events(rows: _Rows, before: int) -> int:
    """How many pairs the rows after ``before`` have that those up to it do not."""
    users, items, _ = rows.joined()
    keys = users.astype(np.int64) * max(len(rows.items), 1) + items
    return len(np.setdiff1d(keys[before:], keys[:before]))


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
