"""New items: their codes, made of the users who have taken them."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.items import ItemFoldIn
from bitrecall.index.recommend.catalogue import NewItems
from bitrecall.index.releases.release import Release


class NewItemEncoder:
    """Folds items that a release does not know in from those of its users who have taken them.

    An item whose audience has not changed keeps its code.

    Args:
        release: whose users and items they are measured against.
        least_users: users of the release that an item needs, before it can be recommended.
    """

    def __init__(self, release: Release, min_users: int) -> None:
        self._release = release
        self._min_users = min_users
        self._fold_in: ItemFoldIn | None = None
        self._made: dict[str, tuple[bytes, bytes]] = {}

    def new_items(self, audiences: Mapping[str, Collection[str]]) -> NewItems | None:
        """The new items and their codes, those with the most users first; None without any.

        Args:
            audiences: the ids of the users who have taken an item, by its id. Users that the
                release does not know do not count.
        """
        rows = {item: self._rows_of(users) for item, users in audiences.items()}
        rows = {item: some for item, some in rows.items() if len(some) >= self._min_users}
        changed = [
            item
            for item, some in rows.items()
            if item not in self._made or self._made[item][0] != some.tobytes()
        ]
        if changed:
            if self._fold_in is None:
                self._fold_in = ItemFoldIn.of(self._release)
            codes = self._fold_in.codes([rows[item] for item in changed])
            for item, code in zip(changed, codes, strict=True):
                self._made[item] = (rows[item].tobytes(), code.tobytes())
        if not rows:
            return None
        order = sorted(rows, key=lambda item: (-len(rows[item]), item))
        made = b"".join(self._made[item][1] for item in order)
        codes = np.frombuffer(made, np.uint8).reshape(len(order), -1)
        return NewItems(order, codes)

    def _rows_of(self, users: Collection[str]) -> NDArray[np.int64]:
        rows = (self._release.users.row_of(user) for user in users)
        return np.array(sorted(row for row in rows if row is not None), np.int64)
