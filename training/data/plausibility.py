"""Reject data sets that training cannot learn from, usually because a wrong column was read."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.dataset import Dataset
from bitrecall.training.errors import DataError

__all__ = ["check_plausible", "plausibility_warnings"]

OPTION: Final = "--allow-implausible"

# With fewer pairs a condition must hold for all of them; with more, for nearly all.
_MANY_PAIRS: Final = 100
_NEARLY_ALL: Final = 0.99
# A user or item with more than this share of all pairs is not plausible.
_MAX_SHARE: Final = 0.9


def plausibility_warnings(dataset: Dataset) -> list[str]:
    """Return why a data set is implausible; an empty list if it is plausible.

    Recommendations come from users who share items. There is nothing to learn without a second user
    or item, without an item of two users, or without a user of two items.
    """
    train, test = dataset.train, dataset.test
    users, items = train.user_degrees.copy(), train.item_degrees.copy()
    if test is not None:
        users += test.user_degrees
        items += test.item_degrees
    pairs = int(users.sum())
    warnings = []
    for role, degrees, ids in (("user", users, train.user_ids), ("item", items, train.item_ids)):
        count = int((degrees > 0).sum())
        largest = int(np.argmax(degrees))
        if count == 1:
            warnings.append(f"only one {role}, {ids[largest]!r}")
        elif pairs >= _MANY_PAIRS and degrees[largest] > _MAX_SHARE * pairs:
            warnings.append(
                f"{int(degrees[largest]):,} of {pairs:,} pairs have the same {role}, "
                f"{ids[largest]!r}"
            )
        elif _nearly_all_single(degrees, pairs):
            example = ids[int(np.argmax(degrees > 0))]
            warnings.append(
                f"nearly all of the {count:,} {role}s have a single pair, such as {example!r}"
                + ("" if role == "user" else ": no users share items")
            )
    return warnings


def check_plausible(dataset: Dataset, allowed: bool) -> list[str]:
    """Return the plausibility warnings, or raise them if implausible data is not allowed.

    Raises:
        DataError: the data set is implausible and ``allowed`` is False.
    """
    warnings = plausibility_warnings(dataset)
    if warnings and not allowed:
        raise DataError(
            f"{'; '.join(warnings)}. Is another column the user or the item? See `bitrecall data "
            f"describe`, and name columns with --user-column and --item-column. To train on this "
            f"anyway: {OPTION}",
            file=dataset.name,
        )
    return warnings


def _nearly_all_single(degrees: NDArray[np.int64], pairs: int) -> bool:
    """Whether all users or items, or nearly all if there are many pairs, have one pair."""
    single = int((degrees == 1).sum())
    return single == pairs or (pairs >= _MANY_PAIRS and single >= _NEARLY_ALL * pairs)
