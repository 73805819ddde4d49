"""The items of a user who has very many, kept so that an answer need not go through all."""

from collections.abc import Iterable
from itertools import islice
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.id_table import IdTable

LONG: Final = 64
"""How many items a history has from which on it is worth an ``ItemHistory``."""

_UNKNOWN: Final = -1


class ItemHistory:
    """Items, each once: in what order they were last taken, and their rows in a release.

    An item is added in a time that does not depend on how many there are. One thread adds; any
    thread may ask meanwhile.

    Args:
        items: of the release.
    """

    __slots__ = ("_count", "_items", "_others", "_rows", "_rows_by_id")

    def __init__(self, items: IdTable) -> None:
        self._items = items
        # The one taken last is last.
        self._rows_by_id: dict[str, int] = {}
        self._rows = np.empty(2 * LONG, np.int64)
        self._count = 0
        self._others: dict[str, None] = {}

    @classmethod
    def of(cls, item_ids: Iterable[str], items: IdTable) -> Self:
        """The history of items that were taken in this order."""
        history = cls(items)
        for item_id in item_ids:
            history.append(item_id)
        return history

    def __len__(self) -> int:
        """Count the different items."""
        return len(self._rows_by_id)

    def append(self, item_id: str) -> None:
        """Add an item, or make it the last if it is there already."""
        row = self._rows_by_id.pop(item_id, None)
        if row is None:
            found = self._items.row_of(item_id)
            if found is None:
                row = _UNKNOWN
                self._others[item_id] = None
            else:
                row = found
                self._keep(row)
        self._rows_by_id[item_id] = row

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows of the items that the release has, in no order; not to be written to."""
        return self._rows[: self._count]

    @property
    def others(self) -> list[str]:
        """Ids of the items that the release does not have."""
        return list(self._others)

    def is_other(self, item_id: str) -> bool:
        """Whether an item is one of ``others``."""
        return item_id in self._others

    def newest(self, most: int) -> list[str]:
        """The ids of the items taken last, at most so many, the newest last."""
        # Without a step of Python in between, so that nothing is added meanwhile.
        return list(islice(reversed(self._rows_by_id), most))[::-1]

    def newest_rows(self, most: int) -> NDArray[np.int64]:
        """The rows of the items of the release taken last, at most so many, the newest last."""
        latest = list(islice(reversed(self._rows_by_id.values()), most))
        if _UNKNOWN in latest:
            latest = list(reversed(self._rows_by_id.values()))
            latest = [row for row in latest if row != _UNKNOWN][:most]
        return np.array(latest[::-1], np.int64)

    def _keep(self, row: int) -> None:
        if self._count == len(self._rows):
            # What was given out before stays as it is.
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._count] = row
        self._count += 1
