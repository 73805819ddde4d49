import numpy as np
import pytest
import torch

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.svd import orthonormal, randomised_svd


def products(n_users: int, n_items: int) -> tuple[torch.Tensor, torch.Tensor]:
    users, items = np.nonzero(np.random.default_rng(0).random((n_users, n_items)) < 0.15)
    graph = EdgeList(users, items, n_users, n_items).graph()
    return graph.users_to_items, graph.items_to_users


@pytest.mark.parametrize("shape", [(60, 40), (40, 60)])
def test_finds_the_leading_vectors_and_values(shape):
    matrix, transpose = products(*shape)
    left, values, right = randomised_svd(matrix, transpose, 30)
    assert left.shape == (shape[0], 30)
    assert right.shape == (shape[1], 30)
    np.testing.assert_allclose(left.T @ left, np.eye(30), atol=1e-4)
    all_left, all_values, all_right = torch.linalg.svd(matrix.to_dense(), full_matrices=False)
    np.testing.assert_allclose(values[:10], all_values[:10], rtol=1e-3)
    best = (all_left[:, :10] * all_values[:10]) @ all_right[:10]
    np.testing.assert_allclose((left[:, :10] * values[:10]) @ right[:, :10].T, best, atol=0.01)


def test_a_separate_generator_does_not_change_the_global_one():
    matrix, transpose = products(30, 20)
    before = torch.random.get_rng_state()
    first, second = (
        randomised_svd(matrix, transpose, 5, torch.Generator().manual_seed(3)) for _ in range(2)
    )
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("dependent", [False, True])
def test_a_basis_is_orthonormal_and_spans_the_columns(dependent):
    columns = torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    columns *= torch.logspace(0, 2, 8)
    if dependent:
        columns[:, 3] = columns[:, 5]
    basis = orthonormal(columns)
    np.testing.assert_allclose(basis.T @ basis, np.eye(8), atol=1e-5)
    np.testing.assert_allclose(basis @ (basis.T @ columns), columns, atol=1e-3)
