"""Item-item similarities of the random-walk recommender, with exponents to choose.

The walk of the learned teacher (``bitrecall.training.teacher.learned.item_models``) has fixed ones.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from bitrecall.training.teacher.learned.item_models import strongest
from bitrecall.training.teacher.normalised_pairs import degrees
from bitrecall.training.teacher.pruned_gram import row_blocks

# Products of one block of rows, 8 bytes each.
_MAX_PRODUCTS = 30_000_000


def rp3beta(matrix: sp.csr_matrix, alpha: float, beta: float, neighbours: int) -> sp.csr_matrix:
    """Return the transition scores of RP3beta, float32 CSR (n_items, n_items).

    The entry (i, j) is the sum over users u of the probabilities of the steps i → u and u → j, each
    to the power alpha, divided by the popularity of j to the power beta: Paudel et al., "Updatable,
    Accurate, Diverse, and Scalable Recommendations for Interactive Applications", ACM TiiS 2017.

    Args:
        matrix: float32 CSR (n_users, n_items).
        alpha: power of the probabilities.
        beta: power of the popularity.
        neighbours: number of largest entries that each row keeps.
    """
    users, items = degrees(matrix)
    powered = sp.csr_matrix(matrix, copy=True)
    powered.data **= alpha
    to_users = sp.csr_matrix(sp.diags(items**-alpha) @ powered.T, dtype=np.float32)
    to_items = sp.csr_matrix(
        sp.diags(users**-alpha) @ powered @ sp.diags(items**-beta), dtype=np.float32
    )
    blocks = []
    for rows in row_blocks(to_users, to_items, _MAX_PRODUCTS):
        block = sp.csr_matrix(to_users[rows] @ to_items)
        row_of_entry = np.repeat(rows, np.diff(block.indptr))
        block.data[block.indices == row_of_entry] = 0
        block.eliminate_zeros()
        blocks.append(strongest(block, neighbours))
    if not blocks:
        return sp.csr_matrix(to_users @ to_items)
    return sp.csr_matrix(sp.vstack(blocks, format="csr"))
