"""How well a release answers each user, as the service would with what it knows by now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.users import UserFoldIn, extended_codes
from bitrecall.index.releases.release import Release
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.metrics import OUTSIDE, GroundTruth, find_hits, ndcg_at, recall_at

_BATCH = 1024


def score_users(
    release: Release,
    taken: Interactions,
    held_out: Interactions,
    ks: Sequence[int],
    *,
    popular: bool = False,
) -> dict[str, NDArray[np.float64]]:
    """Recall@K and NDCG@K of each user who has a held-out item, through the release's own index.

    A user's code is made as the service makes it, of what the release knows of them and of what
    they have taken since; one it does not know is folded in, or gets the popular list. Nothing
    that they have taken is listed.

    Args:
        release: which answers.
        taken: all that users have by now; ids are matched as strings.
        held_out: what they took next, over the same vocabulary.
        ks: the cut-offs.
        popular: ask for the popular list instead, without what each user has taken.

    Returns:
        By name, such as ``recall@50``, float64 (b,), users in the order of their rows.
    """
    item_rows = np.array(
        [
            OUTSIDE if (row := release.items.row_of(text)) is None else row
            for text in taken.item_ids
        ],
        np.int64,
    )
    users = np.flatnonzero(held_out.user_degrees)
    fold_in = UserFoldIn.of(release)
    parts: dict[str, list[NDArray[np.float64]]] = {}
    for start in range(0, len(users), _BATCH):
        some = users[start : start + _BATCH]
        own = [_known(item_rows[taken.items_of(user)]) for user in some]
        if popular:
            ranked = _popular(release, own, max(ks))
        else:
            ids = [taken.user_ids[user] for user in some]
            ranked = _ranked(release, fold_in, ids, own, max(ks))
        truth = GroundTruth.from_lists(item_rows[held_out.items_of(user)] for user in some)
        hits, sizes = find_hits(ranked, truth), truth.sizes
        for k in ks:
            parts.setdefault(f"recall@{k}", []).append(recall_at(hits, sizes, k))
            parts.setdefault(f"ndcg@{k}", []).append(ndcg_at(hits, sizes, k))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _known(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(rows[rows != OUTSIDE])


def _ranked(
    release: Release,
    fold_in: UserFoldIn,
    user_ids: Sequence[str],
    own: Sequence[NDArray[np.int64]],
    depth: int,
) -> NDArray[np.int64]:
    """The lists of some users, int64 (b, depth), ended by ``OUTSIDE``."""
    reach = min(depth, release.n_items)
    ranked = np.full((len(user_ids), depth), OUTSIDE, np.int64)
    rows = [release.users.row_of(text) for text in user_ids]
    trained = [place for place, row in enumerate(rows) if row is not None]
    folded = [place for place, row in enumerate(rows) if row is None and len(own[place])]
    codes = np.zeros((len(rows), release.bits // 8), np.uint8)
    if trained:
        known = np.array([rows[place] for place in trained], np.int64)
        codes[trained] = extended_codes(release, known, [own[place] for place in trained])
    if folded:
        codes[folded] = fold_in.codes([own[place] for place in folded])
    asked = sorted(trained + folded)
    if asked:
        exclude = [own[place].astype(np.int32) for place in asked]
        ranked[asked, :reach] = release.backend.search(codes[asked], reach, exclude)[1]
    for place in set(range(len(rows))).difference(asked):
        # Nothing is known of such a user, not even what to leave out.
        ranked[place, :reach] = np.arange(reach)
    return ranked


def _popular(release: Release, own: Sequence[NDArray[np.int64]], depth: int) -> NDArray[np.int64]:
    ranked = np.full((len(own), depth), OUTSIDE, np.int64)
    for place, taken in enumerate(own):
        best = np.setdiff1d(np.arange(min(depth + len(taken), release.n_items)), taken)[:depth]
        ranked[place, : len(best)] = best
    return ranked
