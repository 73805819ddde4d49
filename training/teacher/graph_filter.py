"""Graph filters: what a user's items say about all items, in closed form.

With P = ÃᵀÃ, a user whose pairs are the row r, of ones or of weights, gets the scores

    r D_i^-l P D_i^l  +  w · r D_i^-p V Vᵀ D_i^p  −  c · r D_i^-l P² D_i^l

- r P is the linear filter, item-based collaborative filtering on normalised pairs, and a positive l
  leans on popular items as what to list, and on rare ones as what to conclude from (Paudel et al.,
  "Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive Applications", ACM
  TiiS 2017, on random walks);
- V are the leading right singular vectors of Ã: their ideal low-pass filter lets through what many
  users agree on. The two together are GF-CF (Shen et al., "How Powerful is Graph Convolution for
  Recommendation?", CIKM 2021, where l is 0, and p and the exponents of Ã are 1/2);
- r P² is the blurred signal blurred again: less of it is a sharper one, one Euler step of BSPM's
  sharpening (Choi et al., "Blurring-Sharpening Process Models for Collaborative Filtering", SIGIR
  2023);
- exponents of Ã other than 1/2 have a filter's gain follow the spectrum that the data has (Peng et
  al., "How Powerful is Graph Filtering for Recommendation", KDD 2024).

The parts have units of their own, which depend on the exponents. So each is first divided by the
root mean square of its scores for that user, which keeps a user's scores independent of whom they
are computed with; w and c are relative to that.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.model.svd import randomised_svd
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.blended import in_own_units
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
    """The filter of a recipe over the pairs of one data set.

    Args:
        matrix: float32 CSR (n_users, n_items), R.
        recipe: exponents, weights, rank, and how many neighbours are kept.
        seed: of the randomised SVD.
        device: where the dense products run.
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
        self._lean = self._popularity**recipe.linear_power
        self._unlean = 1 / self._lean.cpu().numpy()
        self._low_pass = self._ideal(seed) if low_pass else None

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """Scores of all items, those of the users' own pairs included.

        Args:
            users: int64 (b,) rows.

        Returns:
            float32 (b, n_items); memory is a few times its size.
        """
        recipe = self._recipe
        scores, *twice = self._filtered(users, 2 if recipe.sharpen else 1)
        scores = in_own_units(scores)
        if twice:
            scores.sub_(in_own_units(twice[0]), alpha=recipe.sharpen)
        if self._low_pass is not None:
            left, right = self._low_pass
            ideal = left[torch.from_numpy(users).to(self._device)] @ right
            scores.add_(in_own_units(ideal), alpha=recipe.low_pass)
        return scores

    def free(self) -> None:
        """None: nothing of it is trained."""

    def _filtered(self, users: NDArray[np.int64], turns: int) -> list[Tensor]:
        """R P for these users, then R P², as many as asked for, each between powers of D_i."""
        lean = self._lean
        sparse = sp.csr_matrix(self._matrix[users].multiply(self._unlean))
        found = []
        if self._neighbours is not None:
            for _ in range(turns):
                sparse = sparse @ self._neighbours
                found.append(torch.from_numpy(sparse.toarray()).to(self._device).mul_(lean))
            return found
        return [part.mul_(lean) for part in by_columns(sparse, self._gram, turns)]

    def _gram(self, columns: Tensor) -> Tensor:
        return self._pair.gram(columns.to(self._device))

    def _ideal(self, seed: int) -> tuple[Tensor, Tensor]:
        """R D_i^-p V, float32 (n_users, k), and Vᵀ D_i^p, float32 (k, n_items)."""
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
