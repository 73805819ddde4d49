"""A user's own items in a list that does not leave them out, by the release's repeats."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.recommend.catalogue import Catalogue
from bitrecall.index.recommend.item_history import MAX_INTERACTIONS, ItemHistory
from bitrecall.index.recommend.recent_activity import RecentItems
from bitrecall.index.recommend.types import History
from bitrecall.index.releases.repeats import OwnItems, Repeats, merged_places, with_later
from bitrecall.index.search.packing import hamming_distances

# Own items whose codes are compared at once, to limit the working memory.
_BLOCK: Final = 4096


def own_items(
    catalogue: Catalogue,
    repeats: Repeats,
    user: int | None,
    recent: RecentItems,
    history: History | None,
) -> OwnItems:
    """Return all items of a user, and how often the user took them.

    Args:
        catalogue: the items of the release and the new items.
        repeats: how counts decay.
        user: row in the release; None for a user not in the release, or with a history instead of
            the known items.
        recent: items since the release was trained, the newest last. Repetitions count, of the
            ``MAX_INTERACTIONS`` newest interactions.
        history: items of the user from the request; repetitions count.
    """
    later: list[str] = []
    if history is None or not history.instead:
        later += recent.newest_interactions() if isinstance(recent, ItemHistory) else recent
    if history is not None:
        later += history.item_ids
    rows = map(catalogue.row_of, later[-MAX_INTERACTIONS:])
    known = np.array([row for row in rows if row is not None], np.int64)
    return with_later(catalogue.release.own_items(user), known, repeats.decay)


def allowed_items(
    own: OwnItems, exclude: NDArray[np.int64], allowed: NDArray[np.bool_] | None
) -> OwnItems:
    """Return the own items that may be listed.

    Args:
        own: the items of a user.
        exclude: rows to leave out.
        allowed: bool (n + d,), the items that may be listed; None for all.
    """
    may_be_listed = np.isin(own.rows, exclude, invert=True)
    if allowed is not None:
        may_be_listed &= allowed[own.rows]
    return own if may_be_listed.all() else own.select(may_be_listed)


def merge_own_items(
    catalogue: Catalogue,
    repeats: Repeats,
    code: NDArray[np.uint8],
    own: OwnItems,
    others: tuple[NDArray[np.int32], NDArray[np.int64]],
    k: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the distances and rows of a list of own and other items.

    Args:
        catalogue: the items.
        repeats: the rates.
        code: uint8 (1, bits/8), the code of the user.
        own: the own items that may be listed.
        others: distances and rows of a search without own items, padded with -1.
        k: length of the list.
    """
    distances, rows = (part[others[1] >= 0] for part in others)
    places = merged_places(repeats, own.decayed, len(rows), k)
    merged_rows = np.concatenate([own.rows, rows])[places]
    merged_distances = np.empty(len(places), np.int32)
    is_own = places < len(own.rows)
    merged_distances[~is_own] = distances[places[~is_own] - len(own.rows)]
    own_distances = [
        hamming_distances(code, catalogue.codes_of(block))[0]
        for block in _blocks(merged_rows[is_own])
    ]
    merged_distances[is_own] = np.concatenate([np.empty(0, np.int32), *own_distances])
    return merged_distances, merged_rows


def _blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[start : start + _BLOCK] for start in range(0, len(rows), _BLOCK)]
