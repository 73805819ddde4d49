"""What a night trains on: what the parent release was trained on, files, and the events since.

A release holds its pairs, so it is its own snapshot: nothing else has to be kept, and after a
rollback the next night starts from what is served.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from events.event import StoredEvent
from index.release import Release
from training.data.events import take_events
from training.data.interactions import Interactions, collapse

_NONE = np.empty(0, np.int32)


@dataclass(frozen=True)
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

    read: int
    taken: int
    hidden: int
    forgotten: int
    repeated: int
    of_unknown_users: int
    of_unknown_items: int
    by_user: Counter[str]


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
    known_users, known_items = len(rows.users), len(rows.items)
    taken = take_events(events, rows.users, rows.items)
    seen = _seen(parent)
    still = ~np.isin(seen[0], taken.forgotten)
    rows.add(seen[0][still], seen[1][still], np.full(int(still.sum()), np.nan))
    from_files = None if files is None else rows.add_from(files, forgotten)
    rows.add(taken.users, taken.items, taken.times)
    users, items, at = rows.joined()
    keys = users.astype(np.int64) * max(len(rows.items), 1) + items
    before, by_event = int(still.sum()), len(keys) - len(taken.users)
    distinct, place = np.unique(keys, return_inverse=True)
    old = np.zeros(len(distinct), np.bool_)
    old[place[:before]] = True
    moments = np.full(len(distinct), np.inf)
    np.fmin.at(moments, place, at)
    moments[np.isinf(moments)] = np.nan
    sent = np.bincount(taken.users, minlength=1)
    names = list(rows.users)
    counts = EventCounts(
        read=len(taken.users) + taken.hidden + len(taken.forgotten),
        taken=len(taken.users),
        hidden=taken.hidden,
        forgotten=len(taken.forgotten),
        repeated=len(taken.users) - len(np.setdiff1d(keys[by_event:], keys[:by_event])),
        of_unknown_users=int((taken.users >= known_users).sum()),
        of_unknown_items=int((taken.items >= known_items).sum()),
        by_user=Counter({names[row]: int(sent[row]) for row in np.flatnonzero(sent)}),
    )
    last = 0 if parent is None else parent.manifest.data.last_event
    return Gathered(
        # Pairs are in the order of their keys, which leaving out ids without a pair keeps.
        collapse(names, list(rows.items), users, items).compact(),
        ~old,
        moments,
        taken.last_event or last,
        counts,
        from_files,
    )


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
