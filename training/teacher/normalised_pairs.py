"""The normalised interaction matrix, and products with it a few columns at a time.

Ã = D_u^-a R D_i^-b. R contains the weight of each pair, or 1 without weights. D_u and D_i contain
the sums of its rows and columns, which are the degrees without weights. With a = b = 1/2 this is
the normalisation of LightGCN and GF-CF (Shen et al., CIKM 2021). Other exponents move weight
between popular and rare items, as in LinkProp (Fu et al., WWW 2022).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.svd import CACHED_COLUMNS


def interaction_matrix(pairs: Interactions | EdgeList) -> sp.csr_matrix:
    """Return R, float32 CSR (n_users, n_items), sorted by row and column.

    The entry of a pair is 1, or its weight relative to the mean weight.
    """
    if isinstance(pairs, EdgeList):
        users, items = pairs.users.cpu().numpy(), pairs.items.cpu().numpy()
        weights = None if pairs.weights is None else pairs.weights.cpu().numpy()
    else:
        users, items, weights = pairs.users, pairs.items, pairs.relative_weights()
    values = np.ones(len(users), dtype=np.float32) if weights is None else weights
    matrix = sp.csr_matrix((values, (users, items)), shape=(pairs.n_users, pairs.n_items))
    matrix.sort_indices()
    return matrix


def degrees(matrix: sp.csr_matrix) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the sums of the rows (m,) and columns (n,): numbers of pairs, or their total weights.

    The sum of an empty row or column is set to 1, so that its powers are finite.
    """
    values = matrix.data.astype(np.float64)
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    of_users = np.bincount(rows, values, minlength=matrix.shape[0])
    of_items = np.bincount(matrix.indices, values, minlength=matrix.shape[1])
    return (
        np.where(of_users > 0, of_users, 1).astype(np.float32),
        np.where(of_items > 0, of_items, 1).astype(np.float32),
    )


def normalised(matrix: sp.csr_matrix, user_power: float, item_power: float) -> sp.csr_matrix:
    """Return Ã, float32 CSR of the same shape."""
    users, items = degrees(matrix)
    scaled = sp.diags(users**-user_power) @ matrix @ sp.diags(items**-item_power)
    return sp.csr_matrix(scaled, dtype=np.float32)


@dataclass(frozen=True)
class SparsePair:
    """A sparse matrix with its transpose, both sparse CSR float32 on one device.

    Attributes:
        matrix: (p, q).
        transpose: (q, p).
    """

    matrix: Tensor
    transpose: Tensor

    @classmethod
    def of(cls, matrix: sp.csr_matrix, device: torch.device | str = "cpu") -> SparsePair:
        """Move a matrix and its transpose to a device."""
        return cls(csr_tensor(matrix, device), csr_tensor(sp.csr_matrix(matrix.T), device))

    def gram(self, columns: Tensor) -> Tensor:
        """Multiply MᵀM by a dense float32 (q, w), without forming MᵀM."""
        return self.transpose @ (self.matrix @ columns)


def by_columns(
    rows: Tensor | sp.csr_matrix, product: Callable[[Tensor], Tensor], turns: int = 1
) -> list[Tensor]:
    """Apply a linear map to row vectors one or more times.

    Args:
        rows: float32 (b, p), dense on the device of the products, or sparse.
        product: maps (p, w) to (q, w), for any w.
        turns: number of times, at least 1; above 1, p must equal q.

    Returns:
        float32 (b, q) after each turn.
    """
    results: list[list[Tensor]] = [[] for _ in range(turns)]
    for start in range(0, max(1, rows.shape[0]), CACHED_COLUMNS):
        part = rows[start : start + CACHED_COLUMNS]
        columns = (
            part.T.contiguous() if isinstance(part, Tensor) else torch.from_numpy(part.T.toarray())
        )
        for parts in results:
            columns = product(columns)
            parts.append(columns.T)
    return [torch.cat(parts) for parts in results]


def csr_tensor(matrix: sp.csr_matrix, device: torch.device | str = "cpu") -> Tensor:
    """Convert a SciPy matrix to a torch sparse CSR tensor, float32."""
    with warnings.catch_warnings():
        # torch warns on first use that its CSR support is beta; the products used here are tested.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
            check_invariants=False,
        ).to(device)
