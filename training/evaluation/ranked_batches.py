"""Ranked lists of users with held-out items, batch by batch: of a release, or of any recommender.

Items that a user had seen in training are excluded. Users without training interactions get the
popular list, as from the service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.recommend.popular import popular_lists
from bitrecall.index.releases.release import Release
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.evaluation.held_out_users import HeldOutUsers
from bitrecall.training.evaluation.ranked_lists import lists_with_own_items, ranked_lists
from bitrecall.training.metrics import OUTSIDE, GroundTruth

# Maximum entries of the ranked lists of a batch: limits its memory for any K.
_MAX_ENTRIES = 4_000_000
_BATCH_USERS = 1024

_NO_ITEMS = np.empty(0, np.int32)

Lists = Callable[[NDArray[np.int64], Sequence[NDArray[np.int32]]], NDArray[np.int64]]
"""Maps rows of known users and their seen items to ranked item rows, (b, K)."""


class RankedBatch(NamedTuple):
    """The lists of some users.

    Attributes:
        seen: the training items of each user, int32; empty for unknown users.
        ranked: int64 (b, K) item rows, padded with ``OUTSIDE``.
        truth: the held-out items of these users.
    """

    seen: Sequence[NDArray[np.int32]]
    ranked: NDArray[np.int64]
    truth: GroundTruth


def release_batches(
    release: Release,
    held_out: HeldOutUsers,
    depth: int,
    *,
    exclude_seen: bool = True,
    batch: int = _BATCH_USERS,
) -> Iterator[RankedBatch]:
    """Yield the lists of a release, computed with its own index.

    Args:
        release: opened release.
        held_out: users and held-out items, in the rows of the release.
        depth: K, the length of the lists.
        exclude_seen: exclude the items that a user had seen in training. If they are not excluded,
            and the release has repeats, they get their places by these.
        batch: maximum number of users per batch; fewer if a large K needs much memory.
    """
    encoder = UserEncoder(release)
    for users, truth in held_out.batches(max(1, min(batch, _MAX_ENTRIES // depth))):
        rows = [None if user == OUTSIDE else user for user in users.tolist()]
        seen = [_NO_ITEMS if row is None else release.seen[row] for row in rows]
        codes = encoder.encode_many(rows)
        if exclude_seen or release.repeats is None:
            ranked = ranked_lists(release, codes, depth, seen if exclude_seen else None)
        else:
            own = [release.own_items(row) for row in rows]
            ranked = lists_with_own_items(release, codes, depth, own, release.repeats)
        yield RankedBatch(seen, ranked, truth)


def trained_batches(
    train: Interactions, held_out: HeldOutUsers, depth: int, lists: Lists
) -> Iterator[RankedBatch]:
    """Yield the lists of a recommender that is not a release.

    Args:
        train: the training pairs, items in descending popularity.
        held_out: users and held-out items, in the rows of ``train``.
        depth: K, the length of the lists.
        lists: the recommender.
    """
    for users, truth in held_out.batches(_BATCH_USERS):
        if users[0] == OUTSIDE:
            ranked = popular_lists(train.n_items, depth, [None] * len(users))
            yield RankedBatch([_NO_ITEMS] * len(users), ranked, truth)
            continue
        seen = [train.items_of(user) for user in users]
        yield RankedBatch(seen, lists(users, seen), truth)
