"""The recommenders of a learned teacher, fitted to one set of interactions."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TypeVar

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.blended import divide_by_rms
from bitrecall.training.teacher.learned.factor_models import (
    Factors,
    als,
    low_pass,
    scores_of_ranks,
)
from bitrecall.training.teacher.learned.histories import History, histories
from bitrecall.training.teacher.learned.item_models import (
    MAX_EASE_ITEMS,
    ease,
    ease_seconds,
    item_knn,
    random_walk,
    transitions,
)
from bitrecall.training.teacher.lightgcn_scorer import LightGCNScorer
from bitrecall.training.teacher.linear_filter import LinearFilter
from bitrecall.training.teacher.normalised_pairs import degrees, normalised

# Small data want few dimensions and large data many; the ranker takes what it needs. Chosen on
# random validation pairs of ml100k and of the densest parts of Gowalla and Yelp2018, where one rank
# of 256 and one ALS rank worse.
LOW_PASS_RANKS = (32, 64, 128, 256)
ALS_SETTINGS = ((24, 3.0), (64, 10.0))  # factors, confidence

KINDS = (
    *("item_knn", "random_walk", "ease", "transitions", "als", "low_pass", "linear_filter"),
    "lightgcn",
)
"""All kinds of scorers. ``transitions`` needs the order of interactions."""

MAX_FILTER_PRODUCTS = 10**11
"""The linear filter multiplies a block of users by all pairs: its limit on users × pairs."""

MAX_LIGHTGCN_PAIRS = 3_000_000
"""Each step of LightGCN propagates over all pairs."""

# Exponents of the graph filter (``bitrecall.training.recipe.teacher_section``).
_USER_POWER, _ITEM_POWER, _LINEAR_POWER = 0.3, 0.4, 0.1

_Model = TypeVar("_Model")


@dataclass(frozen=True)
class SparseScores:
    """Scores of some items for each user; all others are 0.

    Attributes:
        rows: int64 (s,), positions of users in the block.
        items: int64 (s,).
        values: float32 (s,).
    """

    rows: Tensor
    items: Tensor
    values: Tensor


class ScorerSet:
    """Item models, each with all histories, factor models, and the linear filter.

    Args:
        matrix: float32 CSR (n_users, n_items), R; sorted.
        ages: int32 (nnz,), for each entry the number of the user's later items; None without order.
        recipe: EASE's regularisation, and LightGCN's size and schedule.
        seed: seed of the randomised SVD, of ALS and of LightGCN.
        device: device of the dense products.
        progress: whether to show a progress bar of LightGCN on stderr; None shows it only if stderr
            is a terminal.
        kinds: the kinds of scorers to fit, if they are available: ``transitions`` needs the order,
            EASE a catalogue of up to ``MAX_EASE_ITEMS``, and LightGCN, which takes longer and adds
            nothing to EASE, a larger one, and up to ``MAX_LIGHTGCN_PAIRS``. None is all of them.
        start: free embeddings of an earlier LightGCN to start from.
        seconds: about how long fitting may take. LightGCN then has fewer epochs, and EASE is left
            out if it takes too long and ``kinds`` is None.

    Attributes:
        matrix: R.
        popularity: float32 (n_items,), sums of R's columns.
        seconds: time to fit each kind of scorer, in the order of ``KINDS``.
        free: LightGCN's free embeddings; None without one.

    Raises:
        DivergedError: the loss of LightGCN is not finite.
    """

    def __init__(
        self,
        matrix: sp.csr_matrix,
        ages: NDArray[np.int32] | None,
        recipe: TeacherRecipe,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        progress: bool | None = False,
        kinds: Collection[str] | None = None,
        start: EmbeddingTables | None = None,
        seconds: float | None = None,
    ) -> None:
        if kinds is None:
            slow = seconds is not None and ease_seconds(matrix.shape[1]) > seconds / 2
            kinds = set(KINDS) - ({"ease"} if slow else set())
        self.matrix = matrix
        self.popularity = torch.from_numpy(degrees(matrix)[1])
        self.seconds: dict[str, float] = {}
        self.free: EmbeddingTables | None = None
        self._histories = histories(matrix, ages)
        self._item_models: dict[str, sp.csr_matrix] = {}
        self._factor_models: dict[str, Factors] = {}
        self._low_pass: Factors | None = None
        self._linear_filter: LinearFilter | None = None
        self._fit_item_models(ages, recipe, device, kinds)
        self._fit_factor_models(seed, device, kinds)
        if "linear_filter" in kinds and matrix.shape[0] * matrix.nnz <= MAX_FILTER_PRODUCTS:
            self._linear_filter = self._timed("linear_filter", partial(_linear, matrix, device))
        if (
            "lightgcn" in kinds
            and matrix.shape[1] > MAX_EASE_ITEMS
            and matrix.nnz <= MAX_LIGHTGCN_PAIRS
        ):
            fit = partial(LightGCNScorer, matrix, recipe.lightgcn, seed=seed, device=device)
            fit = partial(fit, progress=progress, start=start)
            share = None if seconds is None else seconds / 2
            trained = self._timed("lightgcn", partial(fit, seconds=share))
            self._factor_models["lightgcn/all"] = Factors(trained.users, trained.items)
            self.free = trained.embedding_tables()

    @property
    def names(self) -> list[str]:
        """The names of the scores, in the order of ``scores``: the kind and a variant of it."""
        pairs = [(model, history) for model in self._item_models for history in self._histories]
        names = [f"{model}/{history.name}" for model, history in pairs] + list(self._factor_models)
        if self._low_pass is not None:
            names += [f"low_pass/{rank}" for rank in LOW_PASS_RANKS]
        return names if self._linear_filter is None else [*names, "linear_filter/all"]

    def scores(self, users: NDArray[np.int64]) -> list[SparseScores | Tensor]:
        """Score all items for some users, seen items included.

        Each user's scores of a model are divided by their root mean square over all items.

        Args:
            users: int64 (b,) rows.

        Returns:
            One entry per name; dense ones are float32 (b, n_items).
        """
        blocks: list[SparseScores | Tensor] = [
            self._of_items(model, history, users)
            for model in self._item_models.values()
            for history in self._histories
        ]
        rows = torch.from_numpy(users)
        dense = [f.users[rows] @ f.items.T for f in self._factor_models.values()]
        if self._low_pass is not None:
            dense += scores_of_ranks(self._low_pass, rows, LOW_PASS_RANKS)
        if self._linear_filter is not None:
            dense += self._linear_filter.scores(users, turns=1)
        return blocks + [divide_by_rms(part) for part in dense]

    def _fit_item_models(
        self,
        ages: NDArray[np.int32] | None,
        recipe: TeacherRecipe,
        device: torch.device | str,
        kinds: Collection[str],
    ) -> None:
        matrix = self.matrix
        models: dict[str, Callable[[], sp.csr_matrix]] = {
            "item_knn": lambda: item_knn(matrix),
            "random_walk": lambda: random_walk(matrix),
        }
        if matrix.shape[1] <= MAX_EASE_ITEMS:
            models["ease"] = lambda: ease(matrix, recipe.regularisation, device)
        if ages is not None:
            models["transitions"] = lambda: transitions(matrix, ages)
        for kind, fit in models.items():
            if kind in kinds:
                self._item_models[kind] = self._timed(kind, fit)

    def _fit_factor_models(
        self, seed: int, device: torch.device | str, kinds: Collection[str]
    ) -> None:
        matrix, threads = self.matrix, torch.get_num_threads()
        if "als" in kinds:
            for factors, confidence in ALS_SETTINGS:
                fit = partial(als, matrix, seed, threads, factors=factors, confidence=confidence)
                self._factor_models[f"als/{factors}"] = self._timed("als", fit)
        if "low_pass" in kinds:
            self._low_pass = self._timed(
                "low_pass", partial(low_pass, matrix, LOW_PASS_RANKS[-1], seed, device)
            )

    def _of_items(
        self, model: sp.csr_matrix, history: History, users: NDArray[np.int64]
    ) -> SparseScores:
        product = sp.csr_matrix(history.matrix[users] @ model)
        rows = torch.from_numpy(np.repeat(np.arange(len(users)), np.diff(product.indptr)))
        values = torch.from_numpy(product.data.astype(np.float32, copy=False))
        squares = torch.zeros(len(users)).index_add_(0, rows, values.square())
        size = (squares / max(product.shape[1], 1)).sqrt_()
        values = values / torch.where(size > 0, size, 1)[rows]
        return SparseScores(rows, torch.from_numpy(product.indices.astype(np.int64)), values)

    def _timed(self, kind: str, make: Callable[[], _Model]) -> _Model:
        started = monotonic()
        made = make()
        self.seconds[kind] = self.seconds.get(kind, 0.0) + monotonic() - started
        return made


def _linear(matrix: sp.csr_matrix, device: torch.device | str) -> LinearFilter:
    scaled = normalised(matrix, _USER_POWER, _ITEM_POWER)
    return LinearFilter(matrix, scaled, _LINEAR_POWER, device=device)
