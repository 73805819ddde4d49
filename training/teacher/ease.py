"""EASE: the linear autoencoder with a zero diagonal, in closed form.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019: with G = RᵀR and
P̂ = (G + λI)⁻¹, the item–item weights are B_ij = −P̂_ij / P̂_jj off the diagonal and 0 on it
(eq. 8), and a user whose pairs are the row r gets the scores r B.

Only a matrix of the smaller side is formed. With fewer items than users it is P̂. With fewer users
it is K = (RRᵀ + λI)⁻¹: R P̂ = K R by the push-through identity, and λ diag(P̂) = 1 − diag(RᵀKR) by
Woodbury's identity, so that the items' matrix is not needed.

For larger catalogues G is truncated to its leading eigenvectors, G ≈ V S² Vᵀ. Then
λP̂ = I − V F Vᵀ with F = S² / (S² + λ), and all products are with V.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.errors import TrainingError
from bitrecall.training.model.svd import randomised_svd
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.normalised_pairs import SparsePair, by_columns, csr_tensor

MAX_ROWS = 32_768
"""Largest side of an exact inverse: three matrices of this size, 12 GiB, exist at once."""

_BLOCK = 256
_OVERSAMPLING = 16


class EaseScorer:
    """EASE over the pairs of a data set, exact or truncated.

    Args:
        matrix: float32 CSR (n_users, n_items), R.
        recipe: ``regularisation`` (λ) and ``ease_rank``.
        seed: seed of the randomised SVD, if the Gram matrix is truncated.
        device: device of the dense products.

    Raises:
        TrainingError: the exact inverse is requested, and both sides exceed ``MAX_ROWS``.
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
        self._device = torch.device(device)
        weight = recipe.regularisation
        n_users, n_items = matrix.shape
        self._inverse: _Inverse
        if recipe.ease_rank:
            self._inverse = _Truncated(matrix, weight, recipe.ease_rank, seed, self._device)
        elif min(n_users, n_items) > MAX_ROWS:
            raise TrainingError(
                f"exact EASE for {n_users} users and {n_items} items inverts a matrix of the "
                f"smaller side, but the maximum is {MAX_ROWS}: set teacher.ease_rank, or set "
                "teacher.kind to filter"
            )
        elif n_users < n_items:
            self._inverse = _OfUsers(matrix, weight, self._device)
        else:
            self._inverse = _OfItems(matrix, weight, self._device)

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """Return the scores r B of all items, including the users' training items.

        Args:
            users: int64 (b,) rows.

        Returns:
            float32 (b, n_items).
        """
        rows = torch.from_numpy(self._matrix[users].toarray()).to(self._device)
        return rows - self._inverse.product(users) / self._inverse.diagonal

    def embedding_tables(self) -> None:
        """Return None: a closed form has no trained embeddings."""


class _Inverse(Protocol):
    """An implicit representation of λP̂; λ cancels in B.

    Attributes:
        diagonal: float32 (n_items,), λ diag(P̂).
    """

    diagonal: Tensor

    def product(self, users: NDArray[np.int64]) -> Tensor:
        """Return λ r P̂ of these users, float32 (b, n_items)."""


class _OfItems:
    def __init__(self, matrix: sp.csr_matrix, weight: float, device: torch.device) -> None:
        self._matrix = matrix
        self._device = device
        self._inverse = _regularised_inverse(sp.csr_matrix(matrix.T @ matrix), weight, device)
        self.diagonal = self._inverse.diagonal().clone()

    def product(self, users: NDArray[np.int64]) -> Tensor:
        return csr_tensor(self._matrix[users], self._device) @ self._inverse


class _OfUsers:
    def __init__(self, matrix: sp.csr_matrix, weight: float, device: torch.device) -> None:
        self._pair = SparsePair.of(matrix, device)
        self._inverse = _regularised_inverse(matrix @ matrix.T, weight, device)
        explained = torch.zeros(matrix.shape[1], dtype=torch.float64, device=device)
        for start in range(0, matrix.shape[0], _BLOCK):
            users = np.arange(start, min(start + _BLOCK, matrix.shape[0]))
            rows = torch.from_numpy(matrix[users].toarray()).to(device)
            explained += (rows * self.product(users)).sum(dim=0, dtype=torch.float64)
        self.diagonal = (1 - explained / weight).float()

    def product(self, users: NDArray[np.int64]) -> Tensor:
        chosen = self._inverse[torch.from_numpy(users).to(self._inverse.device)]
        return by_columns(chosen, self._pair.transpose.matmul)[0]


class _Truncated:
    def __init__(
        self, matrix: sp.csr_matrix, weight: float, rank: int, seed: int, device: torch.device
    ) -> None:
        self._matrix = matrix
        self._device = device
        pair = SparsePair.of(matrix, device)
        generator = torch.Generator(device).manual_seed(seed)
        drawn = min(rank + _OVERSAMPLING, *matrix.shape)
        _, values, vectors = randomised_svd(pair.matrix, pair.transpose, drawn, generator)
        values, self._vectors = values[:rank], vectors[:, :rank]
        kept = values.square() / (values.square() + weight)
        self._left = pair.matrix @ (self._vectors * kept)
        self.diagonal = 1 - self._vectors.square() @ kept

    def product(self, users: NDArray[np.int64]) -> Tensor:
        rows = torch.from_numpy(self._matrix[users].toarray()).to(self._device)
        left = self._left[torch.from_numpy(users).to(self._device)]
        return rows - left @ self._vectors.T


def _regularised_inverse(gram: sp.csr_matrix, weight: float, device: torch.device) -> Tensor:
    """Return λ (G + λI)⁻¹, dense float32; G is positive semidefinite, so G + λI is invertible."""
    dense = torch.from_numpy(gram.toarray().astype(np.float32, copy=False)).to(device)
    dense.diagonal().add_(weight)
    factor = torch.linalg.cholesky(dense, out=dense)
    return torch.cholesky_inverse(factor).mul_(weight)
