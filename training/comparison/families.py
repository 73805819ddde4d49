"""The float recommenders that codes are compared with: popularity, item kNN, EASE and ALS.

Each has a few settings to choose from. The search is over one value at a time, in the order of
``axes``, and starts from the first value of each: with few trials it covers more than a grid.

The expected times come from rates measured on two cores of an AMD EPYC. They only decide what is
tried first, and whether a first fit can finish in the time that is left; later fits are predicted
from the first one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
import torch

from bitrecall.training.comparison.recommenders import Popular, Recommender, Scored
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.retraining.memory_budget import free_mib
from bitrecall.training.teacher.ease import EaseScorer
from bitrecall.training.teacher.learned.factor_models import als
from bitrecall.training.teacher.learned.item_models import MAX_EASE_ITEMS, item_knn

Setting = Mapping[str, float]
"""Values by the names of the axes."""

# Operations per second: of one thread, and of one thread of dense linear algebra.
_PRODUCTS_PER_SECOND = 50e6
_ROWS_PER_SECOND = 20e3
_DENSE_PER_SECOND = 40e9
_ALS_PER_SECOND = 75e6
_ALS_ITERATIONS = 15

# Peak memory of EASE per entry of its matrix: a sparse matrix that may have every entry, and a
# dense one.
_EASE_BYTES = 12 + 4


class Family(ABC):
    """A kind of recommender.

    Attributes:
        name: its name in the table.
        axes: the values to try, by name; of each, the first is the default.
    """

    name: ClassVar[str]
    axes: ClassVar[Mapping[str, Sequence[float]]] = {}

    def default(self) -> dict[str, float]:
        """Return the setting to start from."""
        return {name: values[0] for name, values in self.axes.items()}

    @property
    def n_trials(self) -> int:
        """Number of settings of a complete search."""
        return 1 + sum(len(values) - 1 for values in self.axes.values())

    def title(self, setting: Setting) -> str:
        """Return the name of the fitted recommender in the table."""
        del setting
        return self.name

    def obstacle(self, matrix: sp.csr_matrix) -> str | None:
        """Return why the recommender cannot be fitted in any time; None if it can."""
        del matrix
        return None

    @abstractmethod
    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return a rough time of a fit."""

    @abstractmethod
    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Recommender:
        """Fit the recommender.

        Args:
            matrix: float32 CSR (n_users, n_items), R; items in descending popularity.
            setting: one value per axis.
            seed: seed of random initial values.
        """


class Popularity(Family):
    """The same list for everyone."""

    name = "popularity"

    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return 0: the items are already sorted."""
        return 0.0

    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Recommender:
        """Return the popular list (see ``Family``)."""
        return Popular(matrix.shape[1])


class ItemKNN(Family):
    """An item's score is the sum of its similarities to the user's items.

    Similarities are shrunk cosines, each item with its nearest neighbours: Deshpande and Karypis,
    "Item-Based Top-N Recommendation Algorithms", ACM TOIS 2004.
    """

    name = "item kNN"
    axes: ClassVar = {"shrinkage": (10, 50, 0, 100), "neighbours": (200, 50, 500)}

    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return the time of the sparse product and of choosing neighbours."""
        degrees = np.diff(matrix.indptr).astype(np.float64)
        products = float(degrees @ degrees)
        return products / _PRODUCTS_PER_SECOND + matrix.shape[1] / _ROWS_PER_SECOND

    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Scored:
        """Compute the similarities (see ``Family``)."""
        nearest = item_knn(matrix, int(setting["neighbours"]), setting["shrinkage"])
        # A row has the neighbours of the item to score: a user's items are looked up in them.
        similarities = sp.csr_matrix(nearest.T)
        stored = similarities.data.nbytes + similarities.indices.nbytes
        return Scored(
            lambda users: torch.from_numpy((matrix[users] @ similarities).toarray()),
            matrix.shape[1],
            round(stored / matrix.shape[1]),
        )


class Ease(Family):
    """EASE, exact (see ``bitrecall.training.teacher.ease``)."""

    name = "EASE"
    axes: ClassVar = {"lambda": (200, 500, 50, 1000)}

    def obstacle(self, matrix: sp.csr_matrix) -> str | None:
        """Return a text if the matrix to invert does not fit in memory."""
        side = min(matrix.shape)
        needed, free = _EASE_BYTES * side**2 // 2**20, free_mib()
        inverts = f"it inverts a matrix of {side:,} × {side:,} numbers"
        if side > MAX_EASE_ITEMS:
            return f"{inverts}, and {MAX_EASE_ITEMS:,} × {MAX_EASE_ITEMS:,} is the limit of memory"
        if free is not None and needed > free:
            return f"{inverts}, which takes up to {needed:,} MiB of memory; {free:,} MiB are free"
        return None

    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return the time of inverting a matrix of the smaller side."""
        return 2 * min(matrix.shape) ** 3 / (_DENSE_PER_SECOND * torch.get_num_threads())

    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Scored:
        """Compute the weights (see ``Family``)."""
        recipe = TeacherRecipe(kind="ease", regularisation=setting["lambda"], ease_rank=0)
        scorer = EaseScorer(matrix, recipe, seed=seed)
        return Scored(scorer.scores, matrix.shape[1], 4 * matrix.shape[1])


class Als(Family):
    """Implicit ALS, by the library ``implicit``."""

    name = "ALS"
    axes: ClassVar = {
        "regularisation": (10, 1, 30),
        "alpha": (10, 3, 40),
        "factors": (64, 128, 256),
    }

    def title(self, setting: Setting) -> str:
        """Return the name with the number of factors."""
        return f"{self.name}, {setting['factors']:g} floats"

    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return the time of the iterations."""
        work = 2 * _ALS_ITERATIONS * matrix.nnz * setting["factors"]
        return work / (_ALS_PER_SECOND * torch.get_num_threads())

    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Scored:
        """Compute the factors (see ``Family``)."""
        factors = int(setting["factors"])
        users, items = als(
            matrix,
            seed,
            torch.get_num_threads(),
            factors=factors,
            regularisation=setting["regularisation"],
            confidence=setting["alpha"],
        )
        return Scored(
            lambda rows: users[torch.from_numpy(rows)] @ items.T, matrix.shape[1], 4 * factors
        )


FAMILIES: tuple[Family, ...] = (Popularity(), ItemKNN(), Ease(), Als())
"""All families, in the order of the table."""
