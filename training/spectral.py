"""The truncated SVD of a sparse matrix, by random projection."""

from __future__ import annotations

import torch
from torch import Tensor

_POWER_ITERATIONS = 4


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
    basis = torch.linalg.qr(matrix @ drawn).Q
    for _ in range(_POWER_ITERATIONS):
        basis = torch.linalg.qr(matrix @ torch.linalg.qr(transpose @ basis).Q).Q
    right, values, small_left = torch.linalg.svd(transpose @ basis, full_matrices=False)
    return basis @ small_left.T, values, right
