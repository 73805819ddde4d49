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
from bitrecall.training.teacher.linear_filter import LinearFilter
from bitrecall.training.teacher.normalised_pairs import (
    SparsePair,
    csr_tensor,
    degrees,
    normalised,
)

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
        self._low_pass = self._ideal(scaled, seed) if low_pass else None
        self._linear = LinearFilter(
            matrix, scaled, recipe.linear_power, neighbours=recipe.neighbours, device=device
        )

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """Return the scores of all items, including the users' training items.

        Args:
            users: int64 (b,) rows.

        Returns:
            float32 (b, n_items); the memory needed is a few times its size.
        """
        recipe = self._recipe
        scores, *twice = self._linear.scores(users, 2 if recipe.sharpen else 1)
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

    def _ideal(self, scaled: sp.csr_matrix, seed: int) -> tuple[Tensor, Tensor]:
        """Return R D_i^-p V, float32 (n_users, k), and Vᵀ D_i^p, float32 (k, n_items)."""
        rank, power = self._recipe.rank, self._recipe.low_pass_power
        pair = SparsePair.of(scaled, self._device)
        _, _, vectors = randomised_svd(
            pair.matrix,
            pair.transpose,
            min(rank + _OVERSAMPLING, *self._matrix.shape),
            torch.Generator(self._device).manual_seed(seed),
        )
        vectors = vectors[:, :rank]
        popularity = torch.from_numpy(degrees(self._matrix)[1]).to(self._device)[:, None]
        left = csr_tensor(self._matrix, self._device) @ (vectors * popularity**-power)
        return left, (vectors * popularity**power).T.contiguous()
