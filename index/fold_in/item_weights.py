"""How much each of a user's items counts for the user's code, for explanations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.fold_in.fresh_items import extended_embedding, later_items, recent_sum
from bitrecall.index.fold_in.item_sets import newest_first
from bitrecall.index.fold_in.users import sum_rows
from bitrecall.index.releases.recency import Recency, age_weights, ages_of
from bitrecall.index.releases.release import Release

Rows = NDArray[np.integer[Any]]
ItemWeights = tuple[NDArray[np.int64], NDArray[np.float64]]


def item_weights(release: Release, user: int | None, items: Rows) -> ItemWeights | None:
    """Return the items that count for a user's code, and how much.

    Args:
        release: the release.
        user: row in the release; None for a user not in the release.
        items: rows of the user's items beyond the training data, as for ``UserEncoder.encode``.

    Returns:
        Distinct rows, increasing, (h,), and their weights, (h,), above 0 and at most 1, the largest
        weight; None if all items count alike.
    """
    recency = release.recency
    if recency is None:
        return None
    fresh = newest_first(items[items < release.n_items])
    if user is None:
        weighted = _of_history(fresh, recency)
    else:
        weighted = _of_known_user(release, user, fresh, recency)
    if weighted is None:
        return None
    rows, weights = weighted
    rows, weights = rows[weights > 0], weights[weights > 0]
    order = np.argsort(rows, kind="stable")
    return rows[order].astype(np.int64), weights[order] / weights.max(initial=1e-300)


def _of_history(fresh: Rows, recency: Recency) -> tuple[Rows, NDArray[np.float64]] | None:
    if recency.history_decay is None:
        return None
    weights = age_weights(recency.history_decay)[: len(fresh)]
    return fresh[: len(weights)], weights


def _of_known_user(
    release: Release, user: int, fresh: Rows, recency: Recency
) -> tuple[Rows, NDArray[np.float64]] | None:
    """Return the factors of the items' messages in the sum whose signs are the code."""
    strength = recency.fresh_strength if len(fresh) else recency.known_strength
    if not strength or release.seen_ages is None:
        return None
    seen = release.seen[user]
    older = ~np.isin(seen, fresh)
    ages = later_items(seen, ages_of(release.seen, release.seen_ages, user), fresh)
    rows = np.concatenate([fresh, seen[older]])
    if not len(rows):
        return None
    ages = np.concatenate([np.arange(len(fresh)), ages[older]])
    table = age_weights(recency.decay)
    by_age = np.where(ages < len(table), table[np.minimum(ages, len(table) - 1)], 0.0)
    if np.isin(fresh, seen).all():
        # The embedding of training items alone has another scale than their messages.
        total = sum_rows(release.fold_in_messages, [seen], "seen items")[0]
    else:
        total = extended_embedding(release, user, fresh).astype(np.float64)
    # Items are newest first here, and oldest first there.
    recent = recent_sum(release, user, fresh[::-1], recency.decay)
    return rows, _share(total) + strength * _share(recent) * by_age


def _share(total: NDArray[np.float64]) -> float:
    """Return the factor of each item of a sum that is divided by its mean magnitude."""
    magnitude = float(np.abs(total).mean())
    return 1 / magnitude if magnitude else 0.0
