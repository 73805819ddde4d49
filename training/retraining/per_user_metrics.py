"""Metrics of a release for each user, with codes made as the service makes them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.recommend.popular import popular_lists
from bitrecall.index.releases.release import Release
from bitrecall.training.data.histories import histories
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.evaluation.ranked_lists import ranked_lists
from bitrecall.training.metrics import OUTSIDE, GroundTruth, find_hits, ndcg_at, recall_at

_BATCH = 1024


def score_users(
    release: Release,
    known_pairs: Interactions,
    held_out: Interactions,
    ks: Sequence[int],
    *,
    popular: bool = False,
) -> dict[str, NDArray[np.float64]]:
    """Return Recall@K and NDCG@K of each user with a held-out item, through the release's index.

    A user's code is made as the service makes it: from the release and the user's later items, in
    their order. An unknown user is folded in, or gets the popular list. Items that the user has are
    not listed.

    Args:
        release: the release to measure.
        known_pairs: all items that users have so far; ids are matched as strings.
        held_out: their next items, over the same vocabulary.
        ks: the cut-offs.
        popular: measure the popular list instead, without the items that each user has.

    Returns:
        By name, such as ``recall@50``: float64 (b,), users in the order of their rows.
    """
    item_rows = np.array(
        [
            OUTSIDE if (row := release.items.row_of(text)) is None else row
            for text in known_pairs.item_ids
        ],
        np.int64,
    )
    users = np.flatnonzero(held_out.user_degrees)
    encoder = UserEncoder(release)
    parts: dict[str, list[NDArray[np.float64]]] = {}
    for start in range(0, len(users), _BATCH):
        batch = users[start : start + _BATCH]
        known = [_known(item_rows[items]) for items in histories(known_pairs, batch.tolist())]
        if popular:
            ranked = popular_lists(release.n_items, max(ks), known)
        else:
            rows = [release.users.row_of(known_pairs.user_ids[user]) for user in batch]
            later = [
                items if row is None else items[~np.isin(items, release.seen[row])]
                for row, items in zip(rows, known, strict=True)
            ]
            ranked = ranked_lists(release, encoder.encode_many(rows, later), max(ks), known)
        truth = GroundTruth.from_lists(item_rows[held_out.items_of(user)] for user in batch)
        hits, sizes = find_hits(ranked, truth), truth.sizes
        for k in ks:
            parts.setdefault(f"recall@{k}", []).append(recall_at(hits, sizes, k))
            parts.setdefault(f"ndcg@{k}", []).append(ndcg_at(hits, sizes, k))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _known(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(rows[rows != OUTSIDE])
