"""Products of a sparse matrix with a dense one, differentiable in the dense one."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

__all__ = ["csr_matrix", "propagate", "weighted_sums"]


def csr_matrix(row_counts: Tensor, columns: Tensor, values: Tensor, n_columns: int) -> Tensor:
    """Build a sparse CSR matrix from entries that are sorted by row.

    Args:
        row_counts: int64 (p,), number of entries of each row.
        columns: int64 (nnz,).
        values: float32 (nnz,).
        n_columns: q.

    Returns:
        sparse CSR (p, q).
    """
    starts = torch.zeros(len(row_counts) + 1, dtype=torch.int64, device=columns.device)
    starts[1:] = row_counts.cumsum(0)
    with warnings.catch_warnings():
        # torch warns on first use that its CSR support is beta; the products used here are tested.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            starts, columns, values, size=(len(row_counts), n_columns), check_invariants=False
        )


class _SparseProduct(torch.autograd.Function):
    """``matrix @ dense`` with the stored transpose for the backward pass."""

    @staticmethod
    def forward(ctx, matrix: Tensor, transpose: Tensor, dense: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.transpose = transpose
        return _product(matrix, dense)

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[None, None, Tensor]:  # type: ignore[no-untyped-def]
        return None, None, _product(ctx.transpose, gradients[0].contiguous())


def _product(matrix: Tensor, dense: Tensor) -> Tensor:
    return weighted_sums(matrix.crow_indices(), matrix.col_indices(), matrix.values(), dense)


def weighted_sums(starts: Tensor, columns: Tensor, weights: Tensor, dense: Tensor) -> Tensor:
    """Multiply a sparse matrix, passed as its CSR arrays, by a dense one.

    ``embedding_bag`` computes each row as a weighted sum of dense rows, which torch prefetches on
    a CPU; torch's CSR product waits for memory.

    Args:
        starts: int64 (p + 1,), the start of each row, and the end of the last.
        columns: int64 (nnz,), rows of ``dense``.
        weights: float32 (nnz,).
        dense: float32 (q, f).

    Returns:
        float32 (p, f).
    """
    return embedding_bag(
        columns,
        dense,
        starts,
        mode="sum",
        per_sample_weights=weights,
        include_last_offset=True,
    )


def propagate(matrix: Tensor, transpose: Tensor, dense: Tensor) -> Tensor:
    """Multiply a constant sparse matrix by a dense one; differentiable in the dense one.

    Args:
        matrix: sparse CSR (p, q).
        transpose: sparse CSR (q, p), its transpose.
        dense: float32 (q, f).

    Returns:
        float32 (p, f).
    """
    product: Tensor = _SparseProduct.apply(matrix, transpose, dense)  # type: ignore[no-untyped-call]
    return product
