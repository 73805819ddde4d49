import numpy as np
import pytest
import scipy.sparse as sp

from bitrecall.training.comparison import item_similarities
from bitrecall.training.comparison.item_similarities import rp3beta

GENERATOR = np.random.default_rng(0)
# With weights no two similarities are equal.
DENSE = (GENERATOR.random((30, 20)) < 0.5) * GENERATOR.uniform(0.5, 2, (30, 20))
MATRIX = sp.csr_matrix(DENSE, dtype=np.float32)


def dense_walk(alpha, beta):
    users, items = DENSE.sum(axis=1), DENSE.sum(axis=0)
    to_users = (DENSE / items).T ** alpha
    to_items = (DENSE / users[:, None]) ** alpha
    walk = to_users @ to_items / items**beta
    np.fill_diagonal(walk, 0)
    return walk


@pytest.mark.parametrize(("alpha", "beta"), [(1, 0), (0.5, 0.6), (1.3, 0.8)])
def test_equals_the_dense_product(alpha, beta):
    walk = rp3beta(MATRIX, alpha, beta, 20).toarray()
    np.testing.assert_allclose(walk, dense_walk(alpha, beta), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("products", [1, 200, 10**9])
def test_keeps_the_largest_entries_of_each_row_in_any_number_of_blocks(products, monkeypatch):
    monkeypatch.setattr(item_similarities, "_MAX_PRODUCTS", products)
    expected = dense_walk(1, 0.5)
    for row in expected:
        row[row < np.sort(row)[-4]] = 0
    np.testing.assert_allclose(rp3beta(MATRIX, 1, 0.5, 4).toarray(), expected, rtol=1e-4, atol=1e-7)


def test_users_and_items_without_interactions_have_no_entries():
    matrix = sp.csr_matrix((3, 2), dtype=np.float32)
    assert rp3beta(matrix, 0.5, 0.5, 5).nnz == 0
