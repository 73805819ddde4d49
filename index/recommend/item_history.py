"""A long history of a user, kept so that requests need not process all of it."""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.id_table import IdTable

LONG: Final = 64
"""For histories of more items than this, an ``ItemHistory`` is faster than a list."""

MAX_INTERACTIONS: Final = 1000
"""How many of a user's newest interactions count for ``bitrecall.index.releases.repeats``."""

_UNKNOWN: Final = -1


class ItemHistory:
    """Distinct items in the order of their latest interaction, with their rows in a release.

    The newest interactions are kept with repetitions.

    Adding an item takes constant time. One thread may add items while others read.

    Args:
        items: the item ids of the release.
    """

    __slots__ = ("_count", "_interactions", "_items", "_rows", "_rows_by_id", "_unknown_ids")

    def __init__(self, items: IdTable) -> None:
        self._items = items
        # The latest item is last.
        self._rows_by_id: dict[str, int] = {}
        self._rows = np.empty(2 * LONG, np.int64)
        self._count = 0
        self._unknown_ids: dict[str, None] = {}
        self._interactions: deque[str] = deque(maxlen=MAX_INTERACTIONS)

    @classmethod
    def of(cls, item_ids: Iterable[str], items: IdTable) -> Self:
        """Build from the item ids of interactions in time order."""
        history = cls(items)
        for item_id in item_ids:
            history.append(item_id)
        return history

    def __len__(self) -> int:
        """Return the number of distinct items."""
        return len(self._rows_by_id)

    def append(self, item_id: str) -> None:
        """Append an item; if the history already has it, move it to the end."""
        self._interactions.append(item_id)
        row = self._rows_by_id.pop(item_id, None)
        if row is None:
            known_row = self._items.row_of(item_id)
            if known_row is None:
                row = _UNKNOWN
                self._unknown_ids[item_id] = None
            else:
                row = known_row
                self._append_row(row)
        self._rows_by_id[item_id] = row

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the items in the release, int64 (h,), in no particular order; read-only."""
        return self._rows[: self._count]

    @property
    def unknown_ids(self) -> list[str]:
        """Ids of the items that are not in the release."""
        return list(self._unknown_ids)

    def is_unknown(self, item_id: str) -> bool:
        """Return whether an item is one of ``unknown_ids``."""
        return item_id in self._unknown_ids

    def newest(self, limit: int) -> list[str]:
        """Return the ids of the ``limit`` latest items, the newest last."""
        # A single call into C, so that no item can be added in between.
        return list(islice(reversed(self._rows_by_id), limit))[::-1]

    def newest_interactions(self) -> list[str]:
        """Return the items of the ``MAX_INTERACTIONS`` newest interactions, the newest last."""
        return list(self._interactions)

    def newest_rows(self, limit: int) -> NDArray[np.int64]:
        """Return the rows of the ``limit`` latest items in the release, the newest last."""
        latest = list(islice(reversed(self._rows_by_id.values()), limit))
        if _UNKNOWN in latest:
            latest = list(reversed(self._rows_by_id.values()))
            latest = [row for row in latest if row != _UNKNOWN][:limit]
        return np.array(latest[::-1], np.int64)

    def _append_row(self, row: int) -> None:
        if self._count == len(self._rows):
            # A new array: returned views of the old one must not change.
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._count] = row
        self._count += 1
