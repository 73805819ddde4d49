"""Held-out interactions in the rows of the interactions that recommenders are fitted to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from bitrecall.index.releases.id_table import IdTable
from bitrecall.training.comparison.measures import KS
from bitrecall.training.comparison.recommenders import Recommender
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.data.validation_cut import validation_cut
from bitrecall.training.errors import EvaluationError
from bitrecall.training.evaluation.held_out_users import HeldOutUsers
from bitrecall.training.evaluation.ranked_batches import RankedBatch, trained_batches
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.validation_section import ValidationRecipe
from bitrecall.training.teacher.normalised_pairs import interaction_matrix


@dataclass(frozen=True, eq=False)
class Problem:
    """Interactions to fit, and held-out ones to measure on.

    Attributes:
        train: the interactions to fit, items in descending popularity.
        held_out: the measured users and their held-out items, in the rows of ``train``.
    """

    train: Interactions
    held_out: HeldOutUsers

    @classmethod
    def validation(
        cls, train: Interactions, recipe: Recipe, rows: RowAges | None = None
    ) -> Problem:
        """Cut validation interactions, and measure the same users as the training does.

        Args:
            train: all training pairs.
            recipe: the share, the cut and the seed.
            rows: the rows of ``train``; None if few pairs are repeated.

        Raises:
            EvaluationError: no user has enough interactions to hold one out.
        """
        part, held_out, _ = validation_cut(
            train, rows, validation_share(recipe), recipe.seed, recipe.validation.cut
        )
        if not len(held_out):
            raise EvaluationError(
                "no user has enough interactions to hold one out for validation, so recommenders "
                "cannot be tuned: use more data"
            )
        order = popularity_order(part)
        part, held_out = reorder_items(part, order), reorder_items(held_out, order)
        users = Validator(part, held_out, recipe).users
        truth = GroundTruth.from_lists(held_out.items_of(user) for user in users.tolist())
        return cls(part, HeldOutUsers(users, truth))

    @classmethod
    def test(cls, train: Interactions, test: Interactions) -> Problem:
        """Hold out a test split.

        Raises:
            EvaluationError: it is empty.
        """
        ordered = reorder_items(train, popularity_order(train))
        held_out = HeldOutUsers.of(
            test, IdTable.build(ordered.user_ids), IdTable.build(ordered.item_ids)
        )
        if not len(held_out.truth):
            raise EvaluationError("the test split holds no interactions to compare on")
        return cls(ordered, held_out)

    @cached_property
    def matrix(self) -> sp.csr_matrix:
        """The interactions or their weights, float32 CSR (n_users, n_items)."""
        return interaction_matrix(self.train)

    @property
    def n_users(self) -> int:
        """Number of measured users."""
        return len(self.held_out.truth)

    @property
    def n_unknown_users(self) -> int:
        """Number of measured users without interactions to fit."""
        return int((self.held_out.users == OUTSIDE).sum())

    @property
    def n_interactions(self) -> int:
        """Number of held-out interactions."""
        return len(self.held_out.truth.rows)

    def of_some_users(self, n_users: int, seed: int) -> Problem:
        """Return the same interactions with a random sample of the measured users."""
        if self.n_users <= n_users:
            return self
        generator = np.random.default_rng(seed)
        rows = np.sort(generator.choice(self.n_users, n_users, replace=False))
        indptr, items = self.held_out.truth.indptr, self.held_out.truth.rows
        truth = GroundTruth.from_lists(items[indptr[row] : indptr[row + 1]] for row in rows)
        return Problem(self.train, HeldOutUsers(self.held_out.users[rows], truth))

    def user_degrees(self) -> NDArray[np.int64]:
        """Return the number of training items of each measured user, int64 (b,)."""
        users = self.held_out.users
        return np.where(users == OUTSIDE, 0, self.train.user_degrees[users])

    def batches(self, recommender: Recommender, depth: int = max(KS)) -> Iterator[RankedBatch]:
        """Yield the lists of a recommender."""
        return trained_batches(
            self.train,
            self.held_out,
            depth,
            lambda users, seen: recommender.lists(users, depth, seen),
        )

    def metric(self, recommender: Recommender, name: str) -> float:
        """Measure one metric, such as ``recall@50``."""
        k = int(name.partition("@")[2])
        metrics = RankingMetrics([k], self.train.n_items, self.train.item_degrees)
        for batch in self.batches(recommender, k):
            metrics.update(batch.ranked, batch.truth)
        return metrics.result()[name]


def validation_share(recipe: Recipe) -> float:
    """Return the share to hold out for tuning: the recipe's, or else the default one."""
    return recipe.validation.share or ValidationRecipe().share


def check_held_out(test: Interactions | None, recipe: Recipe) -> None:
    """Check that there are interactions to measure codes on.

    Raises:
        EvaluationError: there is neither a test split nor a validation share.
    """
    if (test is None or not len(test)) and not recipe.validation.share:
        raise EvaluationError(
            f"nothing is held out to compare on: the data have no test split, and recipe "
            f"{recipe.name} no validation share; create a test split with --split random, or pass "
            "--set validation.share=0.15"
        )
