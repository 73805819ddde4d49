"""Hold out each user's latest interactions for validation, if users take items again.

As in the test split, new items are to be found: the latest interactions with items that the user
took before stay, as old as they were without the latest rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.data.split import Cut, cut_validation, takes_latest

__all__ = ["ValidationCut", "validation_cut"]


_MIN_USERS: Final = 30


class ValidationCut(NamedTuple):
    """Pairs for the fit with validation.

    Attributes:
        part: the pairs to fit.
        held_out: the pairs to validate on, with items that are new to the user.
        latest: bool (nnz,), the latest pairs of all, of which ``part`` has the repeated ones; None
            if these are held out as well, or if it is unknown which are repeated.
    """

    part: Interactions
    held_out: Interactions
    latest: NDArray[np.bool_] | None = None


def validation_cut(
    train: Interactions, rows: RowAges | None, fraction: float, seed: int, cut: Cut
) -> ValidationCut:
    """Split the train split into fit and validation pairs.

    Args:
        train: all pairs.
        rows: the rows of ``train``; None if few pairs are repeated.
        fraction: as for ``cut_validation``.
        seed: as for ``cut_validation``.
        cut: as for ``cut_validation``.

    Returns:
        The split of ``cut_validation``. The latest pairs that are repeated are moved to the fit,
        unless that leaves held-out pairs for fewer than half of the users, and fewer than 30.

    Raises:
        DataError: as in ``cut_validation``.
    """
    part, held_out = cut_validation(train, fraction, seed, cut)
    if rows is None or not takes_latest(train, cut):
        return ValidationCut(part, held_out)
    latest = np.isin(train.keys(), held_out.keys())
    before = rows.before(train, latest)
    newest = np.full(len(train), np.iinfo(np.int32).max, np.int32)
    np.minimum.at(newest, before.pairs, before.ages)
    new = latest & (np.bincount(before.pairs, minlength=len(train)) == 0)
    users = len(np.unique(train.users[new]))
    if users < min(_MIN_USERS, np.count_nonzero(held_out.user_degrees) / 2):
        return ValidationCut(part, held_out)
    ordered = replace(train, order=-newest.astype(np.float64))
    return ValidationCut(ordered.select(~new), train.select(new), latest)
