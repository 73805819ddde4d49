"""Recommenders that score an item by its similarities to the items of a history.

Each is an item-item matrix with the strongest neighbours of each item, so scoring a user costs
history × neighbours, for any size of the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.teacher.normalised_pairs import degrees
from bitrecall.training.teacher.pruned_gram import row_blocks

NEIGHBOURS = 200
"""Neighbours that an item keeps."""

MAX_EASE_ITEMS = 16_384
"""EASE inverts a dense matrix of items × items: 1 GiB at this size, and two are alive at once."""

# Values common in the literature (shrinkage: Koren and Bell, Recommender Systems Handbook;
# beta: Paudel et al., TiiS 2017).
_SHRINKAGE = 10.0
_POPULARITY_POWER = 0.6

# Items of the inverse that the time of a larger one is estimated from.
_SAMPLE_ITEMS = 1024

_TRANSITION_WINDOW = 10
_TRANSITION_DECAY = 3.0
_TRANSITION_SHRINKAGE = 5.0

# Products of one block of rows, 8 bytes each.
_MAX_PRODUCTS = 30_000_000


def item_knn(
    matrix: sp.csr_matrix, neighbours: int = NEIGHBOURS, shrinkage: float = _SHRINKAGE
) -> sp.csr_matrix:
    """Return shrunk cosine similarities of items, float32 CSR (n_items, n_items).

    Args:
        matrix: float32 CSR (n_users, n_items).
        neighbours: number of neighbours that each row keeps.
        shrinkage: added to the product of the items' lengths.
    """
    lengths = np.sqrt(degrees(matrix)[1])

    def scale(
        values: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        scale = lengths[rows] * lengths[columns] + np.float32(shrinkage)
        return (values / scale).astype(np.float32)

    return _pruned_product(sp.csr_matrix(matrix.T), matrix, scale, neighbours)


def random_walk(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """Return RP3beta's transition probabilities, float32 CSR (n_items, n_items).

    Probabilities of a walk item → user → item, divided by the popularity of the target to the power
    beta: Paudel et al., "Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive
    Applications", ACM TiiS 2017.
    """
    users, items = degrees(matrix)
    to_users = sp.csr_matrix(sp.diags(1 / items) @ matrix.T)
    to_items = sp.csr_matrix(sp.diags(1 / users) @ matrix)
    popularity = items**-_POPULARITY_POWER

    def scale(
        values: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        del rows
        return values * popularity[columns]

    return _pruned_product(to_users, to_items, scale)


def transitions(matrix: sp.csr_matrix, ages: NDArray[np.int32]) -> sp.csr_matrix:
    """Return how often an item comes soon after another, float32 CSR (n_items, n_items).

    Counts of pairs in the history of one user, weighted by exp(-(gap - 1) / 3) for gaps up to 10
    items, and shrunk like the similarities of ``item_knn``.

    Args:
        matrix: float32 CSR (n_users, n_items).
        ages: int32 (nnz,), for each entry of the matrix the number of the user's later items.
    """
    n_items = matrix.shape[1]
    users = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    oldest_first = np.lexsort((-ages, users))
    users, items = users[oldest_first], matrix.indices[oldest_first]
    before, after, weights = [], [], []
    for gap in range(1, min(_TRANSITION_WINDOW, max(len(users) - 1, 0)) + 1):
        same = np.flatnonzero(users[:-gap] == users[gap:])
        before.append(items[same])
        after.append(items[same + gap])
        weights.append(np.full(len(same), np.exp(-(gap - 1) / _TRANSITION_DECAY), np.float32))
    counts = sp.csr_matrix(
        (
            np.concatenate([np.zeros(0, np.float32), *weights]),
            (
                np.concatenate([items[:0], *before]),
                np.concatenate([items[:0], *after]),
            ),
        ),
        shape=(n_items, n_items),
    )
    lengths = np.sqrt(np.maximum(np.bincount(items, minlength=n_items), 1)).astype(np.float32)
    rows = np.repeat(np.arange(n_items), np.diff(counts.indptr))
    counts.data = counts.data / (lengths[rows] * lengths[counts.indices] + _TRANSITION_SHRINKAGE)
    return strongest(_without_diagonal(counts, 0), NEIGHBOURS)


def ease_seconds(n_items: int) -> float:
    """Estimate how long ``ease`` takes, from a small inverse."""
    size = min(n_items, _SAMPLE_ITEMS)
    matrix = torch.eye(size)
    started = monotonic()
    torch.cholesky_inverse(torch.linalg.cholesky(matrix))
    return float((monotonic() - started) * (n_items / max(size, 1)) ** 3)


def ease(
    matrix: sp.csr_matrix, regularisation: float, device: torch.device | str = "cpu"
) -> sp.csr_matrix:
    """Return EASE's weights (see ``bitrecall.training.teacher.ease``), float32 CSR.

    Args:
        matrix: float32 CSR (n_users, n_items), at most ``MAX_EASE_ITEMS`` items.
        regularisation: λ, added to the diagonal of the Gram matrix.
        device: device of the inversion.
    """
    counts = sp.csr_matrix(matrix.T @ matrix).toarray()
    gram = torch.from_numpy(counts.astype(np.float32, copy=False)).to(device)
    del counts
    gram.diagonal().add_(regularisation)
    # Only two of these matrices are alive at once.
    factor = torch.linalg.cholesky(gram)
    del gram
    inverse = torch.cholesky_inverse(factor)
    del factor
    weights = inverse.div_(-inverse.diagonal().clone())
    weights.fill_diagonal_(0)
    return _largest_entries(weights, NEIGHBOURS)


def strongest(matrix: sp.csr_matrix, neighbours: int) -> sp.csr_matrix:
    """Keep the largest entries of each row; of equal ones, the first.

    Args:
        matrix: float32 CSR (n, m).
        neighbours: maximum entries of a row.
    """
    counts = np.diff(matrix.indptr)
    is_kept = np.ones(len(matrix.data), bool)
    # Selection takes linear time per row; sorting all entries takes ten times as long.
    for row in np.flatnonzero(counts > neighbours):
        entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
        values = matrix.data[entries]
        lowest = np.partition(values, -neighbours)[-neighbours]
        is_largest = values > lowest
        equal = np.flatnonzero(values == lowest)
        is_largest[equal[: neighbours - int(is_largest.sum())]] = True
        is_kept[entries] = is_largest
    rows = np.repeat(np.arange(matrix.shape[0]), counts)[is_kept]
    return sp.csr_matrix(
        (matrix.data[is_kept].astype(np.float32), (rows, matrix.indices[is_kept])),
        shape=matrix.shape,
    )


def _pruned_product(
    left: sp.csr_matrix,
    right: sp.csr_matrix,
    scale: Callable[
        [NDArray[np.float32], NDArray[np.int64], NDArray[np.int32]], NDArray[np.float32]
    ],
    neighbours: int = NEIGHBOURS,
) -> sp.csr_matrix:
    """Multiply in blocks of rows, scale the entries, and keep the strongest off the diagonal."""
    blocks = []
    for rows in row_blocks(left, right, _MAX_PRODUCTS):
        product = _without_diagonal(sp.csr_matrix(left[rows] @ right), int(rows[0]))
        of_entries = np.repeat(rows, np.diff(product.indptr))
        product.data = scale(product.data, of_entries, product.indices).astype(np.float32)
        blocks.append(strongest(product, neighbours))
    if not blocks:
        return sp.csr_matrix(left @ right)
    return sp.csr_matrix(sp.vstack(blocks, format="csr"))


def _without_diagonal(block: sp.csr_matrix, first_row: int) -> sp.csr_matrix:
    rows = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
    block.data[block.indices == rows + first_row] = 0
    block.eliminate_zeros()
    return block


def _largest_entries(matrix: Tensor, count: int) -> sp.csr_matrix:
    values, columns = matrix.topk(min(count, matrix.shape[1]), dim=1)
    rows = np.repeat(np.arange(matrix.shape[0]), values.shape[1])
    kept = sp.csr_matrix(
        (values.cpu().numpy().ravel(), (rows, columns.cpu().numpy().ravel())),
        shape=(matrix.shape[0], matrix.shape[1]),
    )
    kept.eliminate_zeros()
    return kept
