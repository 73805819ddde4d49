"""What is known of a user: the items they have, and their code."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.user_codes import CodeSource, UserEncoder
from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.types import History

_NOTHING = np.empty(0, np.int64)

RecentItems = Sequence[str] | ItemHistory


class UserState(NamedTuple):
    """A user as an answer sees them.

    Attributes:
        items: int64, rows of all items that they have, in no order; a row may be there twice.
        seen: int64, rows of those that the release has seen.
        newest: int64, rows of the newest others, each once, the newest last.
        code: uint8 (1, bits/8); None when nothing is known to make one of.
        source: what the code was made of; "popular" when there is none.
    """

    items: NDArray[np.int64]
    seen: NDArray[np.int64]
    newest: NDArray[np.int64]
    code: NDArray[np.uint8] | None
    source: CodeSource

    def latest(self) -> NDArray[np.int64]:
        """The items each once, the newest last as far as an order is known."""
        return _each_once(self.seen, self.newest)


def user_state(
    catalogue: Catalogue,
    encoder: UserEncoder,
    user: int | None,
    recent: RecentItems = (),
    history: History | None = None,
    max_recent: int = 1000,
) -> UserState:
    """Return the state of a user; ``encoder`` decides which code they get.

    Args:
        catalogue: the items of the release and the new ones.
        encoder: makes the user's code.
        user: row in the release; None for a user that it does not know.
        recent: items since the release was trained, the newest last.
        history: items that the request says the user has.
        max_recent: how many of the newest recent items count for the code.
    """
    given = _NOTHING if history is None else catalogue.rows_of(history.item_ids)
    if history is not None and history.instead:
        return _state(encoder, None, given, _NOTHING, given)
    if isinstance(recent, ItemHistory):
        new = catalogue.new_rows_in(recent)
        rows = np.concatenate([recent.rows, new]) if new.size else recent.rows
        newest = np.concatenate([recent.newest_rows(max_recent), new[:max_recent]])
    else:
        rows = catalogue.rows_of(recent) if recent else _NOTHING
        newest = rows[-max_recent:]
    newest = _each_once(newest, given)
    items = np.concatenate([rows, given]) if given.size else rows
    if user is None:
        return _state(encoder, None, items, _NOTHING, newest)
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
    return UserState(items, seen, newest, code, source)


def _each_once(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Both one after the other, a row in both where the second has it."""
    if not second.size:
        return first
    if not first.size:
        return second
    return np.concatenate([first[np.isin(first, second, invert=True)], second])
