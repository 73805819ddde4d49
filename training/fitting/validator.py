"""Validation between epochs: ranks items by the current codes with the served index.

Embeddings of methods without codes are ranked exactly by inner product instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from bitrecall.index.search.flat import FlatBackend
from bitrecall.index.search.packing import pack_signs
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.evaluation.inner_product import rank
from bitrecall.training.metrics import GroundTruth, RankingMetrics
from bitrecall.training.model.method import Embeddings
from bitrecall.training.recipe.recipe import Recipe

_BATCH_USERS = 1024

# Maps user rows and their seen items to ranked item rows, (b, K).
_Lists = Callable[[NDArray[np.int64], Sequence[NDArray[np.int32]]], NDArray[np.integer]]


class Validator:
    """Evaluates embeddings on held-out pairs of the same vocabulary.

    Args:
        train: the training pairs; a user's items in them are excluded from its list.
        held_out: the pairs to predict.
        recipe: defines the metric and the maximum number of users.
    """

    def __init__(self, train: Interactions, held_out: Interactions, recipe: Recipe) -> None:
        self.train = train
        self.held_out = held_out
        self._ks = sorted({20, 50, 100, int(recipe.validation.metric.partition("@")[2])})
        users = np.flatnonzero(held_out.user_degrees)
        if len(users) > recipe.validation.users:
            generator = np.random.default_rng(recipe.seed)
            users = np.sort(generator.choice(users, recipe.validation.users, replace=False))
        self._users = users

    @property
    def users(self) -> NDArray[np.int64]:
        """Rows of the validated users, int64, ascending."""
        return self._users

    @property
    def n_users(self) -> int:
        """Number of validated users."""
        return len(self._users)

    def __call__(self, embeddings: Embeddings) -> dict[str, float]:
        """Compute the metrics of ``bitrecall.training.metrics``, by name and cut-off."""
        metrics = RankingMetrics(self._ks, self.train.n_items, self.train.item_degrees)
        for users, ranked in self._ranked(embeddings):
            expected = [self.held_out.items_of(user) for user in users]
            metrics.update(ranked, GroundTruth.from_lists(expected))
        return metrics.result()

    def lists(self, embeddings: Embeddings) -> NDArray[np.int32]:
        """Return the item rows listed for each validated user, int32 (b, K), padded with -1."""
        parts = [ranked.astype(np.int32) for _, ranked in self._ranked(embeddings)]
        return np.concatenate(parts)

    def _ranked(
        self, embeddings: Embeddings
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.integer]]]:
        if embeddings.similarity == "inner_product":
            lists = self._by_inner_product(embeddings)
        else:
            lists = self._by_codes(embeddings)
        for start in range(0, len(self._users), _BATCH_USERS):
            users = self._users[start : start + _BATCH_USERS]
            yield users, lists(users, [self.train.items_of(user) for user in users])

    def _by_codes(self, embeddings: Embeddings) -> _Lists:
        user_codes = pack_signs(embeddings.users.cpu().numpy())
        index = FlatBackend.build(pack_signs(embeddings.items.cpu().numpy()))
        return lambda users, seen: index.search(user_codes[users], self._ks[-1], exclude=seen)[1]

    def _by_inner_product(self, embeddings: Embeddings) -> _Lists:
        def lists(
            users: NDArray[np.int64], seen: Sequence[NDArray[np.int32]]
        ) -> NDArray[np.integer]:
            rows = torch.from_numpy(users).to(embeddings.users.device)
            return rank(embeddings.users[rows], embeddings.items, self._ks[-1], seen)

        return lists
