"""Item–item neighbours, kept to the strongest of each row: memory O(n M), whatever the catalogue.

The product ÃᵀÃ of a catalogue of millions has too many entries to keep. It is made a block of rows
at a time, and of each row only the M largest entries stay, as item-based collaborative filtering
has always done (Deshpande and Karypis, TOIS 2004).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

# Products of one block of rows at most, unless a single row has more: 24 bytes each.
_MOST_PRODUCTS = 8_000_000


def pruned_gram(
    matrix: sp.csr_matrix, neighbours: int, most_products: int = _MOST_PRODUCTS
) -> sp.csr_matrix:
    """ÃᵀÃ with its diagonal and the strongest other entries of each row.

    Args:
        matrix: Ã, float32 CSR (m, n), no entry negative.
        neighbours: M, how many entries beside the diagonal each row keeps; of equal ones those of
            the smaller columns.
        most_products: bounds how much of ÃᵀÃ is held at once.

    Returns:
        float32 CSR (n, n), not symmetric.
    """
    transpose = sp.csr_matrix(matrix.T)
    n_items = transpose.shape[0]
    # Products of entries that each row of ÃᵀÃ costs: the degrees of the item's users, summed.
    work = np.cumsum(transpose.astype(bool) @ np.diff(matrix.indptr).astype(np.int64))
    blocks = []
    start = 0
    while start < n_items:
        done = int(work[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(work, done + most_products, side="right")))
        rows = np.arange(start, min(end, n_items))
        blocks.append(_strongest(sp.csr_matrix(transpose[rows] @ matrix), rows, neighbours))
        start += len(rows)
    if not blocks:
        return sp.csr_matrix(transpose @ matrix)
    return sp.csr_matrix(sp.vstack(blocks, format="csr"), dtype=np.float32)


def _strongest(block: sp.csr_matrix, items: NDArray[np.int64], neighbours: int) -> sp.csr_matrix:
    rows = np.repeat(np.arange(len(items)), np.diff(block.indptr))
    own = block.indices == items[rows]
    # The item itself comes first in its row, then the others by descending value.
    order = np.lexsort((block.indices, -block.data, ~own, rows))
    places = np.arange(len(rows)) - block.indptr[rows]
    starts_with_itself = np.zeros(len(items), dtype=np.int64)
    starts_with_itself[rows[own]] = 1
    kept = order[places < neighbours + starts_with_itself[rows]]
    return sp.csr_matrix(
        (block.data[kept], (rows[kept], block.indices[kept])), shape=block.shape, dtype=np.float32
    )
