"""The state of a user: their items and their code."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.user_codes import CodeSource, UserEncoder
from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.recent_activity import RecentItems
from bitrecall.index.recommend.types import History

_NO_ITEMS = np.empty(0, np.int64)


class UserState(NamedTuple):
    """A user at the time of a request.

    Attributes:
        row: row in the release; None for a user not in the release.
        items: int64, rows of all of the user's items, in no particular order, possibly repeated.
        seen: int64, rows of the user's items in the training data.
        newest: int64, rows of the newest other items, distinct, the newest last.
        code: uint8 (1, bits/8); None if the source is "popular".
        source: what the code was made from.
    """

    row: int | None
    items: NDArray[np.int64]
    seen: NDArray[np.int64]
    newest: NDArray[np.int64]
    code: NDArray[np.uint8] | None
    source: CodeSource

    def latest(self) -> NDArray[np.int64]:
        """Return the distinct rows, the newest last if the order is known."""
        return _concatenate_distinct(self.seen, self.newest)


def user_state(
    catalogue: Catalogue,
    encoder: UserEncoder,
    user: int | None,
    recent: RecentItems = (),
    history: History | None = None,
    max_recent: int = 1000,
) -> UserState:
    """Return the state of a user.

    Args:
        catalogue: the items of the release and the new items.
        encoder: selects or makes the user's code.
        user: row in the release; None for a user not in the release.
        recent: items since the release was trained, the newest last.
        history: items of the user from the request.
        max_recent: how many of the newest recent items count for the code.
    """
    requested = _NO_ITEMS if history is None else catalogue.rows_of(history.item_ids)
    if history is not None and history.instead:
        return _state(encoder, None, requested, _NO_ITEMS, requested)
    if isinstance(recent, ItemHistory):
        new = catalogue.new_rows_in(recent)
        rows = np.concatenate([recent.rows, new]) if new.size else recent.rows
        newest = np.concatenate([recent.newest_rows(max_recent), new[:max_recent]])
    else:
        rows = catalogue.rows_of(recent) if recent else _NO_ITEMS
        newest = rows[-max_recent:]
    newest = _concatenate_distinct(newest, requested)
    items = np.concatenate([rows, requested]) if requested.size else rows
    if user is None:
        return _state(encoder, None, items, _NO_ITEMS, newest)
    seen = catalogue.release.seen[user].astype(np.int64)
    items = np.concatenate([seen, items]) if items.size else seen
    return _state(encoder, user, items, seen, newest)


def _state(
    encoder: UserEncoder,
    user: int | None,
    items: NDArray[np.int64],
    seen: NDArray[np.int64],
    newest: NDArray[np.int64],
) -> UserState:
    code, source = encoder.encode(user, newest)
    return UserState(user, items, seen, newest, code, source)


def _concatenate_distinct(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenate distinct rows; rows in both arrays keep their position in ``second``."""
    if not second.size:
        return first
    if not first.size:
        return second
    return np.concatenate([first[np.isin(first, second, invert=True)], second])
