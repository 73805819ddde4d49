"""The items of a release and the new items, searched together."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.popular import popular_rows
from bitrecall.index.releases.filters import ItemFilter
from bitrecall.index.releases.release import Release
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.protocol import Results

# Limits of the cache of filter masks: total bytes, and number of masks.
_MAX_MASK_BYTES: Final = 16 * 2**20
_MAX_MASKS: Final = 64


@dataclass(frozen=True, eq=False)
class NewItems:
    """Items that first appeared after training, with codes folded in from their users.

    Attributes:
        ids: item ids, the most popular first.
        codes: uint8 (d, bits/8), in the same order.
    """

    ids: Sequence[str]
    codes: NDArray[np.uint8]


class Catalogue:
    """Items by row: 0 … n - 1 are the items of the release, n … n + d - 1 the new items.

    New items have no tags or attributes, so no filter that requires one matches them. Thread-safe.

    Args:
        release: the items of the training.
        new: the new items; None if there are none.

    Raises:
        SearchError: the codes of the new items have another length.
    """

    def __init__(self, release: Release, new: NewItems | None = None) -> None:
        self.release = release
        self.new = new or NewItems((), np.empty((0, release.bits // 8), np.uint8))
        self._new_rows = {item: release.n_items + row for row, item in enumerate(self.new.ids)}
        self._new_backend = FlatBackend.build(self.new.codes)
        if self._new_backend.bits != release.bits:
            raise SearchError(
                f"new items have codes of {self._new_backend.bits} bits, "
                f"items of the release have {release.bits}"
            )
        max_masks = max(1, min(_MAX_MASKS, _MAX_MASK_BYTES // len(self)))
        # A partial instead of a method: the reference cycle would keep the catalogue, and the files
        # of its release, until the next garbage collection.
        self.matching = lru_cache(maxsize=max_masks)(partial(_matching, release, len(self.new.ids)))

    def __len__(self) -> int:
        """Return the number of items, including new ones."""
        return self.release.n_items + len(self.new.ids)

    def row_of(self, item_id: str) -> int | None:
        """Return the row of an item; None if it is unknown."""
        row = self.release.items.row_of(item_id)
        return self._new_rows.get(item_id) if row is None else row

    def rows_of(self, item_ids: Sequence[str]) -> NDArray[np.int64]:
        """Return the distinct rows of the known items among ``item_ids``, in their order.

        The last of several occurrences counts.
        """
        newest_first = [self.row_of(item_id) for item_id in dict.fromkeys(reversed(item_ids))]
        return np.array([row for row in newest_first[::-1] if row is not None], np.int64)

    def new_rows_in(self, history: ItemHistory) -> NDArray[np.int64]:
        """Return the rows of the new items in a history, in no particular order."""
        if not self.new.ids:
            return np.empty(0, np.int64)
        if len(self._new_rows) < len(unknown_ids := history.unknown_ids):
            rows = [row for item, row in self._new_rows.items() if history.is_unknown(item)]
        else:
            rows = [row for item in unknown_ids if (row := self._new_rows.get(item)) is not None]
        return np.array(rows, np.int64)

    def rows_in(self, history: ItemHistory) -> NDArray[np.int64]:
        """Return the rows of all known items in a history, in no particular order."""
        new = self.new_rows_in(history)
        return np.concatenate([history.rows, new]) if new.size else history.rows

    def ids_of(self, rows: NDArray[np.int64]) -> list[str]:
        """Return the ids of the items at ``rows``. Raises ``SearchError`` on an unknown row."""
        n_items = self.release.n_items
        if not self.new.ids or not len(rows) or rows.max() < n_items:
            return self.release.items.ids_of(rows)
        old = iter(self.release.items.ids_of(rows[rows < n_items]))
        return [self.new.ids[row - n_items] if row >= n_items else next(old) for row in rows]

    def codes_of(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the codes, uint8 (b, bits/8), of the items at ``rows``."""
        n_items = self.release.n_items
        codes = np.empty((len(rows), self.release.bits // 8), np.uint8)
        old = rows < n_items
        codes[old] = self.release.item_codes[rows[old]]
        codes[~old] = self.new.codes[rows[~old] - n_items]
        return codes

    def search(
        self,
        codes: NDArray[np.uint8],
        k: int,
        exclude: Sequence[NDArray[np.integer[Any]]] | None,
        allowed: NDArray[np.bool_] | None,
    ) -> Results:
        """Search all items; see ``bitrecall.index.search.protocol.SearchBackend.search``.

        Returns:
            Distances and rows with ``k`` columns, or one per item if there are fewer items.
        """
        n_items = self.release.n_items
        # The results have ``k`` columns, so that a huge ``k`` would use up the memory.
        k = min(k, len(self))
        if not self.new.ids:
            return self.release.backend.search(codes, k, exclude, allowed)
        exclude = exclude or [np.empty(0, np.int64)] * len(codes)
        old = self.release.backend.search(
            codes,
            k,
            [rows[rows < n_items] for rows in exclude],
            None if allowed is None else allowed[:n_items],
        )
        new = self._new_backend.search(
            codes,
            k,
            [rows[rows >= n_items] - n_items for rows in exclude],
            None if allowed is None else allowed[n_items:],
        )
        return _merge(old, (new[0], np.where(new[1] < 0, -1, new[1] + n_items)), k)

    def popular(
        self, k: int, exclude: NDArray[np.int64], allowed: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """Return the rows of the ``k`` most popular items, or fewer if no more are allowed."""
        return popular_rows(len(self), k, exclude, allowed)


def _matching(release: Release, n_new: int, allowed: ItemFilter) -> NDArray[np.bool_]:
    """Return the items that a filter allows, bool (n + d,). Raises ``FilterError``."""
    old = allowed.matching(release.attributes, release.n_items)
    mask = np.concatenate([old, np.full(n_new, allowed.matches_unknown)])
    mask.flags.writeable = False
    return mask


def _merge(first: Results, second: Results, k: int) -> Results:
    """Merge the results of two searches by (distance, row); rows of -1 come last."""
    distances = np.concatenate([first[0], second[0]], axis=1)
    rows = np.concatenate([first[1], second[1]], axis=1)
    order = np.lexsort((rows, distances, rows < 0), axis=1)[:, :k]
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)
