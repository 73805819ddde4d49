"""Data that nobody can mean: a sign that another column was taken for the users or the items."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.dataset import Dataset
from bitrecall.training.errors import DataError

__all__ = ["check_plausible", "plausibility_warnings"]

OPTION: Final = "--allow-implausible"

# Below this many pairs only what holds for all of them counts; from it on what nearly does.
_ENOUGH: Final = 100
_NEARLY: Final = 0.99
# One user or item with more than this share of all pairs is no user and no item.
_MOST: Final = 0.9


def plausibility_warnings(dataset: Dataset) -> list[str]:
    """Why nobody can mean these data; empty if they may be meant.

    Recommendations come from users who share items. Without a second user or item, without an item
    of two users, or without a user of two items there is nothing to learn from.
    """
    train, test = dataset.train, dataset.test
    users, items = train.user_degrees.copy(), train.item_degrees.copy()
    if test is not None:
        users += test.user_degrees
        items += test.item_degrees
    pairs = int(users.sum())
    found = []
    for one, many, degrees, ids in (
        ("user", "users", users, train.user_ids),
        ("item", "items", items, train.item_ids),
    ):
        having = int((degrees > 0).sum())
        most = int(np.argmax(degrees))
        if having == 1:
            found.append(f"there is only one {one}, {ids[most]!r}")
        elif pairs >= _ENOUGH and degrees[most] > _MOST * pairs:
            found.append(
                f"{int(degrees[most]):,} of {pairs:,} pairs are of one {one}, {ids[most]!r}"
            )
        elif _single(degrees, pairs):
            example = ids[int(np.argmax(degrees > 0))]
            found.append(
                f"nearly every one of the {having:,} {many} has a single pair, such as {example!r}"
                + ("" if one == "user" else ": no users share items")
            )
    return found


def check_plausible(dataset: Dataset, allowed: bool) -> list[str]:
    """Raise DataError on data that nobody can mean, or return why, if they are ``allowed``."""
    found = plausibility_warnings(dataset)
    if found and not allowed:
        raise DataError(
            f"{'; '.join(found)}. Is another column the user or the item? See `bitrecall data "
            f"describe`, and name columns with --user-column and --item-column. To train on this "
            f"all the same: {OPTION}",
            file=dataset.name,
        )
    return found


def _single(degrees: NDArray[np.int64], pairs: int) -> bool:
    """Whether all, or of many nearly all, have one pair."""
    alone = int((degrees == 1).sum())
    return alone == pairs or (pairs >= _ENOUGH and alone >= _NEARLY * pairs)
