"""What is known of a user: the items they have, and their code."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.users import extended_codes
from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.recommend.item_history import ItemHistory
from bitrecall.index.recommend.types import History, Source

_NOTHING = np.empty(0, np.int64)

Taken = Sequence[str] | ItemHistory


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
    source: Source

    def latest(self) -> NDArray[np.int64]:
        """The items each once, the newest last as far as an order is known."""
        return _each_once(self.seen, self.newest)


def person(
    catalogue: Catalogue,
    row: int | None,
    fresh: Taken = (),
    history: History | None = None,
    folded: int = 1000,
) -> UserState:
    """What is known of a user.

    A user of the release has the code that training made, from the embedding in the release; with
    items beyond those that it was trained on, the same with their messages added; anyone else has
    the code that is folded in from their items. New items, which have no message, do not count
    there, and neither do others than the newest.

    Args:
        catalogue: the items there are.
        row: whose row in the release; None for somebody whom it does not know.
        fresh: the items that the user has taken since the release, the newest last.
        history: items that the request says the user has.
        folded: of the items since the release, how many count for the code.
    """
    given = _NOTHING if history is None else catalogue.rows_of(history.item_ids)
    if history is not None and history.instead:
        return _folded(catalogue, given, given)
    if isinstance(fresh, ItemHistory):
        new = catalogue.new_rows_in(fresh)
        taken = np.concatenate([fresh.rows, new]) if new.size else fresh.rows
        newest = np.concatenate([fresh.newest_rows(folded), new[:folded]])
    else:
        taken = catalogue.rows_of(fresh) if fresh else _NOTHING
        newest = taken[-folded:]
    newest = _each_once(newest, given)
    more = np.concatenate([taken, given]) if given.size else taken
    if row is None:
        return _folded(catalogue, more, newest)
    seen = catalogue.release.seen[row].astype(np.int64)
    items = np.concatenate([seen, more]) if more.size else seen
    foldable = newest[newest < catalogue.release.n_items] if newest.size else newest
    if not foldable.size or _all_in(foldable, seen):
        code = catalogue.release.user_code(row)
        return UserState(items, seen, newest, code, "codes")
    code = extended_codes(catalogue.release, np.array([row]), [foldable], catalogue.magnitudes)
    return UserState(items, seen, newest, code, "codes+history")


def _folded(catalogue: Catalogue, items: NDArray[np.int64], newest: NDArray[np.int64]) -> UserState:
    foldable = newest[newest < catalogue.release.n_items]
    if not foldable.size:
        return UserState(items, _NOTHING, newest, None, "popular")
    return UserState(items, _NOTHING, newest, catalogue.fold_in.codes([foldable]), "history")


def _all_in(values: NDArray[np.int64], increasing: NDArray[np.int64]) -> bool:
    """Whether all of ``values`` are among others, which increase."""
    if not increasing.size:
        return False
    places = np.searchsorted(increasing, values).clip(max=len(increasing) - 1)
    return bool((increasing[places] == values).all())


def _each_once(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.int64]:
    """Both one after the other, a row in both where the second has it."""
    if not second.size:
        return first
    if not first.size:
        return second
    return np.concatenate([first[np.isin(first, second, invert=True)], second])
