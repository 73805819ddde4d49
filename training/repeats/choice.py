"""Chooses on validation whether own items get places of their own in lists with seen items.

Each user's latest pairs are to be found: own items, which the user took before and which the model
was trained on, and others, which it was not. Rates are measured for half of the users, and
scored on the others. If they are better than the nearest codes by more than noise, those of all
users are stored in the release.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.repeats import Repeats, merged_places
from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import pack_signs
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import reorder_items
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.fitting.runner import TrainedModel
from bitrecall.training.metrics import OUTSIDE, GroundTruth, find_hits, ndcg_at, recall_at
from bitrecall.training.recency.choice import MIN_USERS, sampled_users
from bitrecall.training.recency.leaning import leaning_embeddings
from bitrecall.training.recency.selection import simplest_within_noise
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.repeats.past_counts import PairCounts, in_order, pair_counts, pair_order
from bitrecall.training.repeats.rates import ListedItems, fit_rates

# From counts almost without decay to the last few interactions.
DECAYS: Final = (640.0, 160.0, 40.0, 10.0, 2.5)

# With fewer held-out pairs that are repetitions, no rates are measured.
_MIN_REPEATED: Final = 100
_CUTOFF: Final = 20
_DEPTH: Final = 200


def validated_repeats(
    model: TrainedModel,
    recipe: Recipe,
    recency: dict[str, Any] | None,
    train: Interactions,
    rows: RowAges | None,
    latest: NDArray[np.bool_] | None,
) -> dict[str, Any] | None:
    """Measure repeats with the validation pairs of a model, if these are the latest.

    Args:
        model: trained without the latest pairs, except repeated ones.
        recipe: its recipe.
        recency: the fields of its ``Recency``; None without one.
        train: all pairs, over the vocabulary of the model before its items were ordered.
        rows: the rows of ``train``; None if few pairs are repeated.
        latest: bool (nnz,), the latest pairs of ``train``; those that are repeated are among the
            pairs of the model. None if there are none.

    Returns:
        The fields of a ``Repeats``; None if nearest codes are as good.
    """
    if rows is None or latest is None:
        return None
    if recipe.release.repeats == "off" or recipe.similarity != "hamming":
        return None
    order = pair_order(train, model.item_order)
    pairs, rows = reorder_items(train, model.item_order), in_order(rows, order)
    is_held_out = latest[order]
    users = sampled_users(model.train, pairs.select(is_held_out), recipe.seed)
    if len(users) < MIN_USERS:
        return None
    before = rows.before(pairs, is_held_out)
    own = [pair_counts(before, len(pairs), decay) for decay in DECAYS]
    if int((is_held_out & (own[0].counts > 0)).sum()) < _MIN_REPEATED:
        return None
    leaning = leaning_embeddings(model, recipe, None if recency is None else Recency(**recency))
    codes = pack_signs(leaning.users.cpu().numpy()[users])
    index = FlatBackend.build(pack_signs(leaning.items.cpu().numpy()))
    chosen = _best(_Validation(pairs, is_held_out, users, codes, index), own)
    return None if chosen is None else asdict(chosen)


def _part(pairs: Interactions, user: int) -> slice:
    return slice(int(pairs.indptr[user]), int(pairs.indptr[user + 1]))


class _Validation:
    """Lists of users with and without places of their own for own items."""

    def __init__(
        self,
        pairs: Interactions,
        held_out: NDArray[np.bool_],
        users: NDArray[np.int64],
        codes: NDArray[np.uint8],
        index: FlatBackend,
    ) -> None:
        self.users, self._pairs, self._held_out = users, pairs, held_out
        self._codes, self._index = codes, index
        parts = [_part(pairs, user) for user in users.tolist()]
        self._parts = parts
        self._targets = [pairs.items[part][held_out[part]].astype(np.int64) for part in parts]
        self.truth = GroundTruth.from_lists(self._targets)

    def nearest(self) -> NDArray[np.float64]:
        """Score the nearest codes, own items included."""
        depth = min(_CUTOFF, self._pairs.n_items)
        return self._score(self._index.search(self._codes, depth)[1].astype(np.int64))

    def listed(self, counts: PairCounts) -> list[ListedItems]:
        """Return own and other items of the users."""
        own = [self._pairs.items[part][counts.counts[part] > 0] for part in self._parts]
        depth = min(_DEPTH, self._pairs.n_items)
        others = self._index.search(self._codes, depth, [rows.astype(np.int32) for rows in own])[1]
        items = []
        for part, rows, nearest, targets in zip(
            self._parts, own, others.astype(np.int64), self._targets, strict=True
        ):
            valid = nearest[nearest >= 0]
            items.append(
                ListedItems(
                    rows.astype(np.int64),
                    counts.decayed[part][counts.counts[part] > 0],
                    np.isin(rows, targets),
                    valid,
                    np.isin(valid, targets),
                )
            )
        return items

    def merged(self, users: Sequence[ListedItems], rates: Sequence[Repeats]) -> NDArray[np.float64]:
        """Score the lists by rates, float64 (b,); ``rates`` are those of each user."""
        ranked = np.full((len(users), _CUTOFF), OUTSIDE, np.int64)
        for row, (user, repeats) in enumerate(zip(users, rates, strict=True)):
            places = merged_places(repeats, user.decayed, len(user.others), _CUTOFF)
            ranked[row, : len(places)] = np.concatenate([user.own, user.others])[places]
        return self._score(ranked)

    def _score(self, ranked: NDArray[np.int64]) -> NDArray[np.float64]:
        hits, sizes = find_hits(ranked, self.truth), self.truth.sizes
        depth = ranked.shape[1]
        score = (recall_at(hits, sizes, depth) + ndcg_at(hits, sizes, depth)) / 2
        return np.asarray(score, np.float64)


def _best(validation: _Validation, own: Sequence[PairCounts]) -> Repeats | None:
    """Return the rates of the best decay; None if nearest codes are as good."""
    candidates: list[tuple[Repeats | None, NDArray[np.float64]]] = [(None, validation.nearest())]
    for counts, decay in zip(own, DECAYS, strict=True):
        users = validation.listed(counts)
        halves = [fit_rates(users[half::2], decay) for half in (0, 1)]
        rates = [halves[1 - number % 2] for number in range(len(users))]
        candidates.append((fit_rates(users, decay), validation.merged(users, rates)))
    return simplest_within_noise(candidates)
