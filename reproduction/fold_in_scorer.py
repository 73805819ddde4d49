"""Score codes by their recommendations on held-out pairs, for ``fold_in_study``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.search.flat import FlatBackend
from bitrecall.reproduction.trial import Measurement, Trial
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order
from bitrecall.training.errors import StudyError
from bitrecall.training.evaluation.evaluate import DEFAULT_KS
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics

_BATCH_USERS = 1024


class FoldInScorer:
    """Scores codes by their recommendations on the held-out pairs."""

    def __init__(
        self,
        trial: Trial,
        part: Interactions,
        held_out: Interactions,
        generator: np.random.Generator,
    ) -> None:
        recipe = trial.recipe
        self.part = part
        self.held_out = held_out
        self.generator = generator
        self.epochs = recipe.fit.epochs_to_run
        self._max_users = recipe.validation.users
        self.order = popularity_order(part)

    def sample_users(
        self, candidates: NDArray[np.bool_], targets: Interactions
    ) -> NDArray[np.int64]:
        """Return rows of users with held-out targets, at most ``validation.users`` of them."""
        users = np.flatnonzero(candidates & (targets.user_degrees > 0))
        if not len(users):
            raise StudyError("no held-out pairs of new users or items: the data set is too small")
        if len(users) > self._max_users:
            users = np.sort(self.generator.choice(users, self._max_users, replace=False))
        return users

    def score(
        self,
        variant: str,
        user_codes: NDArray[np.uint8],
        users: NDArray[np.int64],
        item_codes: NDArray[np.uint8],
        catalogue: NDArray[np.bool_],
        targets: Interactions,
    ) -> Measurement:
        """Recommend to each user, and score the recommendations.

        Args:
            variant: name of the measurement.
            user_codes: codes of the users, in the same order.
            users: rows of the users.
            item_codes: a code for each item of ``part``.
            catalogue: the items that can be recommended, bool over the items of ``part``.
            targets: the held-out pairs to find.
        """
        rows = self.order[catalogue[self.order]]
        place = np.full(self.part.n_items, OUTSIDE, np.int64)
        place[rows] = np.arange(len(rows))
        index = FlatBackend.build(item_codes[rows])
        metrics = RankingMetrics(DEFAULT_KS, len(rows), self.part.item_degrees[rows])
        depth = min(metrics.depth, len(rows))
        for start in range(0, len(users), _BATCH_USERS):
            batch = users[start : start + _BATCH_USERS]
            seen = [place[self.part.items_of(user)] for user in batch]
            _, ranked = index.search(
                user_codes[start : start + _BATCH_USERS], depth, [row[row >= 0] for row in seen]
            )
            ranked = np.pad(ranked, ((0, 0), (0, metrics.depth - depth)), constant_values=OUTSIDE)
            truth = GroundTruth.from_lists(place[targets.items_of(user)] for user in batch)
            metrics.update(ranked, truth)
        return Measurement(metrics.result(), self.epochs, metrics.users, variant)
