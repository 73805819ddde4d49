"""Codes of known users with fresh items: items that they took after the training."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.errors import SearchError
from bitrecall.index.fold_in.item_sets import are_in, newest_first
from bitrecall.index.fold_in.users import sum_rows
from bitrecall.index.releases.recency import Recency, age_weights, ages_of, decayed_sum, lean
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.search.packing import pack_signs


class TrainedUsers(Protocol):
    """Trained users and their items, such as a release."""

    @property
    def user_embeddings(self) -> NDArray[np.floating[Any]]:
        """Float (m, f)."""
        ...

    @property
    def fold_in_messages(self) -> NDArray[np.floating[Any]]:
        """Float (n, f), messages of the items."""
        ...

    @property
    def seen(self) -> RowLists:
        """The items of each user's training interactions."""
        ...

    @property
    def seen_ages(self) -> NDArray[np.uint16] | None:
        """Ages of these items, (seen,); None if their order is unknown."""
        ...


def extended_codes(
    trained: TrainedUsers,
    users: NDArray[np.integer[Any]],
    additions: Sequence[NDArray[np.integer[Any]]],
    magnitudes: MutableMapping[int, float] | None = None,
    recency: Recency | None = None,
) -> NDArray[np.uint8]:
    """Return one code, uint8 (b, f/8), for each known user with additional items.

    The trained embedding is scaled to the magnitude of the sum of messages of the user's training
    items. Then the messages of the additional items are added: each weighs as much as a training
    item. Training items are not added again. With recency, the result then leans towards the
    user's newest items, additional ones first, by ``recency.fresh_strength``.

    Args:
        trained: the users and items.
        users: rows of users, (b,).
        additions: for each user the rows of additional items, the newest last.
        magnitudes: a cache of these magnitudes by user row.
        recency: how codes depend on the order of the items; None if they do not.

    Raises:
        SearchError: a user or an item does not exist.
    """
    codes = np.zeros((len(users), trained.user_embeddings.shape[1] // 8), np.uint8)
    for number, (user, items) in enumerate(zip(users.tolist(), additions, strict=True)):
        if not 0 <= user < len(trained.seen):
            raise SearchError(f"a user row is outside 0 … {len(trained.seen) - 1}")
        embedding = extended_embedding(trained, user, items, magnitudes)[None]
        if recency is not None and recency.fresh_strength:
            recent = recent_sum(trained, user, items, recency.decay)[None]
            embedding = lean(embedding, recent, recency.fresh_strength)
        codes[number] = pack_signs(embedding)[0]
    return codes


def extended_embedding(
    trained: TrainedUsers,
    user: int,
    additions: NDArray[np.integer[Any]],
    magnitudes: MutableMapping[int, float] | None = None,
) -> NDArray[np.floating[Any]]:
    """Return a known user's embedding with the messages of additional items, (f,).

    It is the trained embedding, unchanged, if all of these are training items. For the arguments
    and errors see ``extended_codes``.
    """
    seen = trained.seen[user]
    embedding: NDArray[np.floating[Any]] = trained.user_embeddings[user]
    unseen = np.unique(additions)
    unseen = unseen[~are_in(unseen, seen)]
    if not unseen.size:
        return embedding
    added = sum_rows(trained.fold_in_messages, [unseen], "additions")[0]
    scaled = embedding.astype(np.float64)
    magnitude = np.abs(scaled).mean()
    if seen.size and magnitude:
        summed_magnitude = None if magnitudes is None else magnitudes.get(user)
        if summed_magnitude is None:
            total = sum_rows(trained.fold_in_messages, [seen], "seen items")
            summed_magnitude = float(np.abs(total).mean())
            if magnitudes is not None:
                magnitudes[user] = summed_magnitude
        scaled *= summed_magnitude / magnitude
    result: NDArray[np.float64] = scaled + added
    return result


def recent_sum(
    trained: TrainedUsers, user: int, additions: NDArray[np.integer[Any]], decay: float
) -> NDArray[np.float64]:
    """Return the sum of the messages of all of a known user's items by their age, float64 (f,).

    Args:
        trained: the users and items.
        user: row of the user.
        additions: rows of additional items, the newest last. They are newer than the training
            items, and so are training items among them.
        decay: τ, in items.
    """
    items, limit = newest_first(additions), len(age_weights(decay))
    ages = np.arange(len(items))
    if trained.seen_ages is not None and len(items) < limit:
        seen_ages = ages_of(trained.seen, trained.seen_ages, user)
        # Later items only make training items older: the others have no weight.
        has_weight = seen_ages < limit
        seen, seen_ages = trained.seen[user][has_weight], seen_ages[has_weight]
        older = ~are_in(seen, np.sort(items))
        later = later_items(seen, seen_ages, items)
        items, ages = np.concatenate([items, seen[older]]), np.concatenate([ages, later[older]])
    return decayed_sum(trained.fold_in_messages, items, ages, decay)


def later_items(
    seen: NDArray[np.integer[Any]],
    ages: NDArray[np.integer[Any]],
    fresh: NDArray[np.integer[Any]],
) -> NDArray[np.int64]:
    """Return for each training item the number of the user's later items, int64 (h,).

    A training item among the fresh ones counts once, as a fresh item.

    Args:
        seen: rows of the training items, increasing.
        ages: their ages in the training data.
        fresh: distinct rows of fresh items.
    """
    again = np.sort(ages[are_in(seen, np.sort(fresh))])
    counted_twice = np.searchsorted(again, ages, side="left")
    return ages.astype(np.int64) + len(fresh) - counted_twice
