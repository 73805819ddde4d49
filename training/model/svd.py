"""The truncated SVD of a sparse matrix, by random projection."""

from __future__ import annotations

import torch
from torch import Tensor

_POWER_ITERATIONS = 4
# A product gathers rows of the dense side at random: this many columns of it stay in cache, which
# is two to three times as fast as several hundred.
CACHED_COLUMNS = 64


def randomised_svd(
    matrix: Tensor, transpose: Tensor, rank: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The leading singular vectors and values (Halko et al., 2011, with power iterations).

    torch.svd_lowrank takes no CSR matrix with a ready transpose and forms its own at each turn.
    The last few of the directions asked for are the least exact: ask for more than are used.

    Args:
        matrix: sparse CSR float32 (p, q).
        transpose: sparse CSR (q, p), its transpose.
        rank: k, at most min(p, q).
        generator: draws the projection, on the matrix's device; None is the global one.

    Returns:
        float32 (p, k), (k,) descending, (q, k): the left vectors, the values, the right vectors.
    """
    columns = matrix.shape[1]
    drawn = torch.randn(columns, rank, device=matrix.device, generator=generator)
    basis = orthonormal(_product(matrix, drawn))
    for _ in range(_POWER_ITERATIONS):
        basis = orthonormal(_product(transpose, basis))
        basis = orthonormal(_product(matrix, basis))
    right, rest = torch.linalg.qr(_product(transpose, basis))
    turned_right, values, turned_left = torch.linalg.svd(rest)
    return basis @ turned_left.T, values, right @ turned_right


def orthonormal(columns: Tensor) -> Tensor:
    """An orthonormal basis of the span of the columns, by Cholesky's factor of their Gram matrix.

    Twice, which makes the basis as orthonormal as Householder's (Yamamoto et al., "Roundoff Error
    Analysis of the CholeskyQR2 Algorithm", ETNA 2015) at a fraction of the time, for nearly all of
    it is products of dense matrices. Columns too close to dependent for that go to Householder.

    Args:
        columns: float32 (p, k), p ≥ k.

    Returns:
        float32 (p, k).
    """
    basis = columns
    for _ in range(2):
        factor, failed = torch.linalg.cholesky_ex(basis.T @ basis, upper=True)
        if failed:
            basis, _ = torch.linalg.qr(columns)
            break
        basis = torch.linalg.solve_triangular(factor, basis, upper=True, left=False)
    return basis


def _product(matrix: Tensor, dense: Tensor) -> Tensor:
    parts = torch.split(dense, CACHED_COLUMNS, dim=1)
    return torch.cat([matrix @ part.contiguous() for part in parts], dim=1)
