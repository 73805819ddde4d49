"""Graph filters: score all items from a user's items, in closed form.

With P = ÃᵀÃ, a user whose pairs are the row r, of ones or of weights, gets the scores

    r D_i^-l P D_i^l  +  w · r D_i^-p V Vᵀ D_i^p  −  c · r D_i^-l P² D_i^l

- r P is the linear filter: item-based collaborative filtering on normalised pairs. A positive l
  favours popular items in the list, and gives the rare items of the user more weight (Paudel et
  al., "Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive Applications",
  ACM TiiS 2017, on random walks).
- V are the leading right singular vectors of Ã. Their ideal low-pass filter keeps what many users
  agree on. These two parts are GF-CF (Shen et al., "How Powerful is Graph Convolution for
  Recommendation?", CIKM 2021, where l is 0, and p and the exponents of Ã are 1/2).
- r P² is the signal blurred twice. Subtracting it sharpens the signal: this is one Euler step of
  the sharpening of BSPM (Choi et al., "Blurring-Sharpening Process Models for Collaborative
  Filtering", SIGIR 2023).
- Exponents of Ã other than 1/2 adapt the gain of the filter to the spectrum of the data (Peng et
  al., "How Powerful is Graph Filtering for Recommendation", KDD 2024).

The units of the parts differ and depend on the exponents. Each part is therefore divided by the
root mean square of its scores for the user, so that a user's scores do not depend on the other
users of the batch. The weights w and c apply to the divided parts.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.model.svd import randomised_svd
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.blended import divide_by_rms
from bitrecall.training.teacher.normalised_pairs import (
    SparsePair,
    by_columns,
    csr_tensor,
    degrees,
    normalised,
)
from bitrecall.training.teacher.pruned_gram import pruned_gram

_OVERSAMPLING = 16


class GraphFilterScorer:
    """The filter of a recipe over the pairs of a data set.

    Args:
        matrix: float32 CSR (n_users, n_items), R.
        recipe: exponents, weights, rank, and number of neighbours to keep.
        seed: seed of the randomised SVD.
        device: device of the dense products.
    """

    def __init__(
        self,
        matrix: sp.csr_matrix,
        recipe: TeacherRecipe,
        *,
        seed: int,
        device: torch.device | str = "cpu",
    ) -> None:
        self._matrix = matrix
        self._recipe = recipe
        self._device = torch.device(device)
        scaled = normalised(matrix, recipe.user_power, recipe.item_power)
        low_pass = recipe.low_pass > 0 and recipe.rank > 0 and min(matrix.shape) > 0
        self._neighbours = pruned_gram(scaled, recipe.neighbours) if recipe.neighbours else None
        if low_pass or self._neighbours is None:
            self._pair = SparsePair.of(scaled, device)
        self._popularity = torch.from_numpy(degrees(matrix)[1]).to(self._device)
        self._popularity_scale = self._popularity**recipe.linear_power
        self._inverse_scale = 1 / self._popularity_scale.cpu().numpy()
        self._low_pass = self._ideal(seed) if low_pass else None

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """Return the scores of all items, including the users' training items.

        Args:
            users: int64 (b,) rows.

        Returns:
            float32 (b, n_items); the memory needed is a few times its size.
        """
        recipe = self._recipe
        scores, *twice = self._filtered(users, 2 if recipe.sharpen else 1)
        scores = divide_by_rms(scores)
        if twice:
            scores.sub_(divide_by_rms(twice[0]), alpha=recipe.sharpen)
        if self._low_pass is not None:
            left, right = self._low_pass
            ideal = left[torch.from_numpy(users).to(self._device)] @ right
            scores.add_(divide_by_rms(ideal), alpha=recipe.low_pass)
        return scores

    def embedding_tables(self) -> None:
        """Return None: a closed form has no trained embeddings."""

    def _filtered(self, users: NDArray[np.int64], turns: int) -> list[Tensor]:
        """Return R P of these users and, for 2 turns, R P², each between powers of D_i."""
        popularity_scale = self._popularity_scale
        sparse = sp.csr_matrix(self._matrix[users].multiply(self._inverse_scale))
        products = []
        if self._neighbours is not None:
            for _ in range(turns):
                sparse = sparse @ self._neighbours
                dense = torch.from_numpy(sparse.toarray()).to(self._device)
                products.append(dense.mul_(popularity_scale))
            return products
        return [part.mul_(popularity_scale) for part in by_columns(sparse, self._gram, turns)]

    def _gram(self, columns: Tensor) -> Tensor:
        return self._pair.gram(columns.to(self._device))

    def _ideal(self, seed: int) -> tuple[Tensor, Tensor]:
        """Return R D_i^-p V, float32 (n_users, k), and Vᵀ D_i^p, float32 (k, n_items)."""
        rank, power = self._recipe.rank, self._recipe.low_pass_power
        _, _, vectors = randomised_svd(
            self._pair.matrix,
            self._pair.transpose,
            min(rank + _OVERSAMPLING, *self._matrix.shape),
            torch.Generator(self._device).manual_seed(seed),
        )
        vectors = vectors[:, :rank]
        popularity = self._popularity[:, None]
        left = csr_tensor(self._matrix, self._device) @ (vectors * popularity**-power)
        return left, (vectors * popularity**power).T.contiguous()
