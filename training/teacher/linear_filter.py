"""The linear graph filter: users' histories times powers of P = ÃᵀÃ, between powers of degrees."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.teacher.normalised_pairs import SparsePair, by_columns, degrees
from bitrecall.training.teacher.pruned_gram import pruned_gram


class LinearFilter:
    """R D^-l P D^l and R D^-l P² D^l, where D contains the items' degrees.

    ``bitrecall.training.teacher.graph_filter`` has the sources.

    Args:
        matrix: float32 CSR (n_users, n_items), R.
        scaled: Ã, of the same shape.
        power: l.
        neighbours: number of strongest neighbours that each row of P keeps; 0 keeps all.
        device: device of the dense products.
    """

    def __init__(
        self,
        matrix: sp.csr_matrix,
        scaled: sp.csr_matrix,
        power: float,
        *,
        neighbours: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self._matrix = matrix
        self._device = torch.device(device)
        self._scale = torch.from_numpy(degrees(matrix)[1]).to(self._device) ** power
        self._inverse_scale = 1 / self._scale.cpu().numpy()
        self._pair = None if neighbours else SparsePair.of(scaled, device)
        self._pruned = pruned_gram(scaled, neighbours) if neighbours else sp.csr_matrix((0, 0))

    def scores(self, users: NDArray[np.int64], turns: int) -> list[Tensor]:
        """Score all items for some users.

        Args:
            users: int64 (b,) rows.
            turns: 1 or more.

        Returns:
            float32 (b, n_items) for P and each higher power up to ``turns``.
        """
        rows = sp.csr_matrix(self._matrix[users].multiply(self._inverse_scale))
        pair = self._pair
        if pair is not None:
            parts = by_columns(rows, lambda part: pair.gram(part.to(self._device)), turns)
            return [part.mul_(self._scale) for part in parts]
        products = []
        for _ in range(turns):
            rows = rows @ self._pruned
            products.append(torch.from_numpy(rows.toarray()).to(self._device).mul_(self._scale))
        return products
