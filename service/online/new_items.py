"""Codes for new items, folded in from the users who have interacted with them."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.items import ItemFoldIn
from bitrecall.index.recommend.catalogue import NewItems
from bitrecall.index.releases.release import Release


class NewItemEncoder:
    """Computes codes for items that are not in a release.

    An item keeps its code as long as its users do not change.

    Args:
        release: the release whose user codes determine the codes of new items.
        min_users: minimum users of the release that an item needs before it is recommended.
    """

    def __init__(self, release: Release, min_users: int) -> None:
        self._release = release
        self._min_users = min_users
        self._fold_in: ItemFoldIn | None = None
        self._encoded: dict[str, tuple[bytes, bytes]] = {}

    def new_items(self, audiences: Mapping[str, Collection[str]]) -> NewItems | None:
        """The new items and their codes, those with the most users first; None without new items.

        Args:
            audiences: the user ids of each item id. Users that are not in the release do not count.
        """
        rows = {item: self._rows_of(users) for item, users in audiences.items()}
        rows = {item: users for item, users in rows.items() if len(users) >= self._min_users}
        changed = [
            item
            for item, users in rows.items()
            if item not in self._encoded or self._encoded[item][0] != users.tobytes()
        ]
        if changed:
            if self._fold_in is None:
                self._fold_in = ItemFoldIn.of(self._release)
            codes = self._fold_in.codes([rows[item] for item in changed])
            for item, code in zip(changed, codes, strict=True):
                self._encoded[item] = (rows[item].tobytes(), code.tobytes())
        if not rows:
            return None
        order = sorted(rows, key=lambda item: (-len(rows[item]), item))
        encoded = b"".join(self._encoded[item][1] for item in order)
        codes = np.frombuffer(encoded, np.uint8).reshape(len(order), -1)
        return NewItems(order, codes)

    def _rows_of(self, users: Collection[str]) -> NDArray[np.int64]:
        rows = (self._release.users.row_of(user) for user in users)
        return np.array(sorted(row for row in rows if row is not None), np.int64)
