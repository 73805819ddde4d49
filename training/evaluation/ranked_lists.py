"""Ranked lists of a release, as item rows, for evaluation and the release gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.user_codes import UserCodes
from bitrecall.index.recommend.popular import popular_lists
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.repeats import OwnItems, Repeats, merged_places
from bitrecall.training.metrics import OUTSIDE


def ranked_lists(
    release: Release,
    users: UserCodes,
    k: int,
    exclude: Sequence[NDArray[np.integer[Any]]] | None = None,
) -> NDArray[np.int64]:
    """Rank items for each user with the release's own index.

    Args:
        release: the release to search.
        users: the users' codes; a user without one gets the popular list.
        k: length of the lists.
        exclude: for each user the item rows to exclude, without duplicates; None excludes none.

    Returns:
        int64 (b, k) item rows, padded with ``OUTSIDE``.
    """
    lists = np.full((len(users.codes), k), OUTSIDE, np.int64)
    has_code = users.has_code()
    (coded,), (uncoded,) = np.nonzero(has_code), np.nonzero(~has_code)
    if coded.size:
        depth = min(k, release.n_items)
        rows = (
            None if exclude is None else [exclude[user].astype(np.int32) for user in coded.tolist()]
        )
        lists[coded, :depth] = release.backend.search(users.codes[coded], depth, rows)[1]
    if uncoded.size:
        skipped = [None if exclude is None else exclude[user] for user in uncoded.tolist()]
        lists[uncoded] = popular_lists(release.n_items, k, skipped)
    return lists


def lists_with_own_items(
    release: Release, users: UserCodes, k: int, own: Sequence[OwnItems], repeats: Repeats
) -> NDArray[np.int64]:
    """Rank items for each user with own items in their places, as the service does.

    Args:
        release: the release to search.
        users: the users' codes; a user without one gets the popular list.
        k: length of the lists.
        own: the items of each user.
        repeats: the rates of own and other items.

    Returns:
        int64 (b, k) item rows, padded with ``OUTSIDE``.
    """
    lists = ranked_lists(release, users, k, [items.rows for items in own])
    for row in np.flatnonzero(users.has_code()).tolist():
        items, others = own[row], lists[row][lists[row] != OUTSIDE]
        places = merged_places(repeats, items.decayed, len(others), k)
        lists[row] = OUTSIDE
        lists[row, : len(places)] = np.concatenate([items.rows, others])[places]
    return lists
