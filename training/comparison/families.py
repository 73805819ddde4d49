"""The float recommenders of the comparison: popularity, item kNN, RP3beta, EASE and ALS.

Each has a few settings to choose from (``bitrecall.training.comparison.tuning`` has the search).

The expected times come from rates measured on two cores of an AMD EPYC. They only decide what is
tried, and whether a first fit can finish in the time that is left; later fits are predicted from
the first one.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
import torch

from bitrecall.training.comparison.family import Family, Setting
from bitrecall.training.comparison.item_similarities import rp3beta
from bitrecall.training.comparison.recommenders import Popular, Scored
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.ease import EaseScorer
from bitrecall.training.teacher.learned.factor_models import als
from bitrecall.training.teacher.learned.item_models import MAX_EASE_ITEMS, item_knn

# Operations per second: of one thread, and of one thread of dense linear algebra.
_PRODUCTS_PER_SECOND = 50e6
_ROWS_PER_SECOND = 20e3
_DENSE_PER_SECOND = 40e9
_ALS_PER_SECOND = 10e9
_ALS_ITERATIONS = 15
# Passes over the factors in an iteration: conjugate gradients take three steps.
_ALS_PASSES = 4
# Solving for a row costs as much as this many factors more.
_ALS_ROW_FACTORS = 320

# Peak memory of EASE per entry of its matrix: a sparse matrix that may have every entry, and a
# dense one.
_EASE_BYTES = 12 + 4
# Of the similarities per entry: of the blocks, of the joined matrix and of its transpose; and of a
# block of products.
_SIMILARITY_BYTES, _PRODUCT_BYTES, _BLOCK_PRODUCTS = 3 * 8, 16, 30_000_000


class Popularity(Family):
    """The same list for everyone."""

    name = "popularity"

    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return 0: the items are already sorted."""
        return 0.0

    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Popular:
        """Return the popular list (see ``Family``)."""
        return Popular(matrix.shape[1])


class _ItemSimilarities(Family):
    """An item's score is the sum of its similarities to the user's items."""

    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return the time of the sparse product and of choosing neighbours."""
        return _products(matrix) / _PRODUCTS_PER_SECOND + matrix.shape[1] / _ROWS_PER_SECOND

    def needed_mib(self, matrix: sp.csr_matrix, setting: Setting) -> int:
        """Return the size of the neighbours and of a block of products."""
        n_items = matrix.shape[1]
        stored = n_items * min(int(setting["neighbours"]), n_items)
        products = min(_products(matrix), _BLOCK_PRODUCTS)
        return int(_SIMILARITY_BYTES * stored + _PRODUCT_BYTES * products) // 2**20

    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Scored:
        """Compute the similarities (see ``Family``)."""
        similarities = self.similarities(matrix, setting)
        stored = similarities.data.nbytes + similarities.indices.nbytes
        return Scored(
            lambda users: torch.from_numpy((matrix[users] @ similarities).toarray()),
            matrix.shape[1],
            round(stored / matrix.shape[1]),
        )

    @abstractmethod
    def similarities(self, matrix: sp.csr_matrix, setting: Setting) -> sp.csr_matrix:
        """Return float32 CSR (n_items, n_items): rows for the user's items, columns to score."""


class ItemKNN(_ItemSimilarities):
    """Shrunk cosines.

    Deshpande and Karypis, "Item-Based Top-N Recommendation Algorithms", ACM TOIS 2004. Each scored
    item has its nearest neighbours. On ml100k that ranks better than the nearest neighbours of each
    of the user's items, and on beauty equally well.
    """

    name = "item kNN"
    axes: ClassVar = {"shrinkage": (10, 50, 0, 100), "neighbours": (200, 50, 500)}

    def similarities(self, matrix: sp.csr_matrix, setting: Setting) -> sp.csr_matrix:
        """Compute the cosines (see ``_ItemSimilarities``)."""
        return sp.csr_matrix(item_knn(matrix, int(setting["neighbours"]), setting["shrinkage"]).T)


class RP3Beta(_ItemSimilarities):
    """A random walk (see ``bitrecall.training.comparison.item_similarities``).

    Each of the user's items has its neighbours, as in the paper.
    """

    name = "RP3beta"
    axes: ClassVar = {"beta": (0.6, 0.3, 0, 0.8), "alpha": (0.5, 1, 0.3), "neighbours": (500, 200)}

    def similarities(self, matrix: sp.csr_matrix, setting: Setting) -> sp.csr_matrix:
        """Compute the transitions (see ``_ItemSimilarities``)."""
        return rp3beta(matrix, setting["alpha"], setting["beta"], int(setting["neighbours"]))


class Ease(Family):
    """EASE, exact (see ``bitrecall.training.teacher.ease``)."""

    name = "EASE"
    axes: ClassVar = {"lambda": (200, 500, 50, 1000)}

    def obstacle(self, matrix: sp.csr_matrix, setting: Setting) -> str | None:
        """Return a text if the matrix to invert does not fit in memory."""
        side = min(matrix.shape)
        inverts = f"it inverts a matrix of {side:,} × {side:,} numbers"
        if side > MAX_EASE_ITEMS:
            return f"{inverts}, and {MAX_EASE_ITEMS:,} × {MAX_EASE_ITEMS:,} is the limit"
        short = super().obstacle(matrix, setting)
        return short and f"{inverts}; {short}"

    def needed_mib(self, matrix: sp.csr_matrix, setting: Setting) -> int:
        """Return the size of the matrix, sparse and dense."""
        return int(_EASE_BYTES * min(matrix.shape) ** 2) // 2**20

    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return the time of inverting a matrix of the smaller side."""
        return 2 * min(matrix.shape) ** 3 / (_DENSE_PER_SECOND * torch.get_num_threads())

    def fit(self, matrix: sp.csr_matrix, setting: Setting, seed: int) -> Scored:
        """Compute the weights (see ``Family``)."""
        recipe = TeacherRecipe(kind="ease", regularisation=setting["lambda"], ease_rank=0)
        scorer = EaseScorer(matrix, recipe, seed=seed)
        return Scored(scorer.scores, matrix.shape[1], 4 * matrix.shape[1])


class Als(Family):
    """Implicit ALS, by the library ``implicit``.

    Dense data want few factors with much regularisation, sparse data many factors with much weight
    on the interactions: the second setting to try is of that kind.
    """

    name = "ALS"
    axes: ClassVar = {
        "alpha": (10, 40, 3),
        "regularisation": (30, 10, 1, 100),
        "factors": (64, 256, 128),
    }
    promising: ClassVar = ({"alpha": 40, "regularisation": 30, "factors": 256},)

    def title(self, setting: Setting) -> str:
        """Return the name with the number of factors."""
        return f"{self.name}, {setting['factors']:g} floats"

    def expected_seconds(self, matrix: sp.csr_matrix, setting: Setting) -> float:
        """Return the time of the iterations."""
        factors = setting["factors"]
        solved = sum(matrix.shape) * factors * (factors + _ALS_ROW_FACTORS)
        work = _ALS_ITERATIONS * _ALS_PASSES * (solved + 2 * matrix.nnz * factors)
        return work / (_ALS_PER_SECOND * torch.get_num_threads())

    def needed_mib(self, matrix: sp.csr_matrix, setting: Setting) -> int:
        """Return the size of the factors, and of two copies of the matrix."""
        factors = 4 * sum(matrix.shape) * setting["factors"]
        return int(factors + 24 * matrix.nnz) // 2**20

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


def _products(matrix: sp.csr_matrix) -> float:
    """Return the number of products of two entries in RᵀR."""
    degrees = np.diff(matrix.indptr).astype(np.float64)
    return float(degrees @ degrees)


FAMILIES: tuple[Family, ...] = (Popularity(), ItemKNN(), RP3Beta(), Ease(), Als())
"""All families, in the order of the table."""
