"""Item–item similarities, pruned to the strongest neighbours of each item: memory O(n M).

For a catalogue of millions, the product ÃᵀÃ has too many entries to keep. It is computed one block
of rows at a time, and each row keeps only its M largest entries, as usual in item-based
collaborative filtering (Deshpande and Karypis, TOIS 2004).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

# Maximum number of products per block, unless a single row has more: 24 bytes each.
_MAX_PRODUCTS = 8_000_000


def pruned_gram(
    matrix: sp.csr_matrix, neighbours: int, max_products: int = _MAX_PRODUCTS
) -> sp.csr_matrix:
    """Return ÃᵀÃ with its diagonal and the largest other entries of each row.

    Args:
        matrix: Ã, float32 CSR (m, n), without negative entries.
        neighbours: M, number of entries besides the diagonal that each row keeps; of equal entries,
            those in smaller columns.
        max_products: bounds the part of ÃᵀÃ that is in memory at once.

    Returns:
        float32 CSR (n, n), not symmetric.
    """
    transpose = sp.csr_matrix(matrix.T)
    blocks = [
        _strongest(sp.csr_matrix(transpose[rows] @ matrix), rows, neighbours)
        for rows in row_blocks(transpose, matrix, max_products)
    ]
    if not blocks:
        return sp.csr_matrix(transpose @ matrix)
    return sp.csr_matrix(sp.vstack(blocks, format="csr"), dtype=np.float32)


def row_blocks(
    left: sp.csr_matrix, right: sp.csr_matrix, max_products: int
) -> Iterator[NDArray[np.int64]]:
    """Yield the rows of a sparse product in blocks of bounded work, each of at least one row.

    Args:
        left: CSR (n, m).
        right: CSR (m, k).
        max_products: maximum number of products of two entries per block.
    """
    work = np.cumsum(left.astype(bool) @ np.diff(right.indptr).astype(np.int64))
    start = 0
    while start < len(work):
        done = int(work[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(work, done + max_products, side="right")))
        rows = np.arange(start, min(end, len(work)))
        yield rows
        start += len(rows)


def _strongest(block: sp.csr_matrix, items: NDArray[np.int64], neighbours: int) -> sp.csr_matrix:
    kept = []
    ends = np.zeros(len(items) + 1, dtype=np.int64)
    # Row by row, because selection within a row takes linear time, and sorting a block does not.
    for row, item in enumerate(items):
        start, end = block.indptr[row : row + 2]
        columns = block.indices[start:end]
        # The item itself is kept in addition to its neighbours.
        values = np.where(columns == item, np.inf, block.data[start:end])
        chosen = _largest(values, columns, neighbours + int((columns == item).any()))
        kept.append(start + chosen)
        ends[row + 1] = ends[row] + len(chosen)
    order = np.concatenate(kept)
    return sp.csr_matrix((block.data[order], block.indices[order], ends), shape=block.shape)


def _largest(
    values: NDArray[np.float64], columns: NDArray[np.int32], count: int
) -> NDArray[np.int64]:
    if len(values) <= count:
        return np.arange(len(values))
    if not count:
        return np.zeros(0, dtype=np.int64)
    lowest = np.partition(values, len(values) - count)[len(values) - count]
    above = np.flatnonzero(values > lowest)
    level = np.flatnonzero(values == lowest)
    level = level[np.argsort(columns[level], kind="stable")]
    return np.concatenate([above, level[: count - len(above)]])
