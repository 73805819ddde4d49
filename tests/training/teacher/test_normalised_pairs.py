import numpy as np
import pytest
import scipy.sparse as sp
import torch

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.teacher.normalised_pairs import (
    SparsePair,
    by_columns,
    degrees,
    interaction_matrix,
    normalised,
)


def random_matrix(n_users: int, n_items: int) -> np.ndarray:
    return (np.random.default_rng(0).random((n_users, n_items)) < 0.2).astype(np.float32)


def test_interactions_and_their_edges_give_the_same_matrix():
    dense = random_matrix(12, 9)
    users, items = (rows.astype(np.int32) for rows in np.nonzero(dense))
    ids = [f"user-{row}" for row in range(12)], [f"item-{row}" for row in range(9)]
    pairs = Interactions(*ids, users, items)
    shuffled = np.random.default_rng(1).permutation(len(users))
    edges = EdgeList(users[shuffled], items[shuffled], 12, 9)
    for matrix in (interaction_matrix(pairs), interaction_matrix(edges)):
        np.testing.assert_array_equal(matrix.toarray(), dense)
        assert matrix.dtype == np.float32
        assert matrix.has_sorted_indices


def test_degrees_of_users_and_items_without_pairs_are_one():
    users, items = degrees(sp.csr_matrix(np.array([[1, 1, 0], [0, 0, 0]], np.float32)))
    assert users.tolist() == [2, 1]
    assert items.tolist() == [1, 1, 1]


@pytest.mark.parametrize("powers", [(0.5, 0.5), (0.3, 0.4), (0.0, 1.0)])
def test_pairs_are_divided_by_powers_of_both_degrees(powers):
    dense = random_matrix(12, 9)
    users, items = np.maximum(dense.sum(1), 1), np.maximum(dense.sum(0), 1)
    wanted = dense / (users[:, None] ** powers[0] * items ** powers[1])
    np.testing.assert_allclose(normalised(sp.csr_matrix(dense), *powers).toarray(), wanted, 1e-6)


@pytest.mark.parametrize("n_vectors", [0, 1, 64, 130])
@pytest.mark.parametrize("sparse", [True, False])
def test_multiplies_row_vectors_by_the_gram_matrix_twice(n_vectors, sparse):
    dense = random_matrix(12, 9)
    vectors = torch.randn(n_vectors, 9, generator=torch.Generator().manual_seed(0))
    pair = SparsePair.of(sp.csr_matrix(dense))
    rows = sp.csr_matrix(vectors.numpy()) if sparse else vectors
    once, twice = by_columns(rows, pair.gram, turns=2)
    gram = dense.T @ dense
    np.testing.assert_allclose(once, vectors.numpy() @ gram, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(twice, vectors.numpy() @ gram @ gram, rtol=1e-4, atol=1e-4)
