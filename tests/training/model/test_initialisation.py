import numpy as np
import torch

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.initialisation import random_start, spectral_start


def edges() -> EdgeList:
    generator = np.random.default_rng(0)
    matrix = generator.random((60, 50)) < 0.15
    users, items = np.nonzero(matrix)
    return EdgeList(users, items, 60, 50)


def test_inner_products_are_the_best_approximation_of_that_rank():
    graph = edges().graph()
    dense = graph.users_to_items.to_dense().double()
    left, values, right = torch.linalg.svd(dense, full_matrices=False)
    best = (left[:, :16] * values[:16]) @ right[:16]
    users, items = spectral_start(graph, 16, seed=0)
    actual = users.double() @ items.double().T
    optimum = torch.linalg.norm(dense - best)
    assert torch.linalg.norm(dense - actual) <= 1.01 * optimum


def test_the_rotation_spreads_the_leading_directions_over_all_bits():
    users, _ = spectral_start(edges().graph(), 16, seed=0)
    energy = users.square().sum(0)
    assert energy.max() < 0.3 * energy.sum()


def test_the_power_scales_the_leading_directions():
    graph = edges().graph()
    (users, items), (steep, steep_items) = (
        spectral_start(graph, 16, seed=0, power=power) for power in (0.5, 1.0)
    )
    values = torch.linalg.svdvals(graph.users_to_items.to_dense())[:16]
    np.testing.assert_allclose(torch.linalg.svdvals(users @ items.T)[:16], values, rtol=1e-3)
    squared = torch.linalg.svdvals(steep @ steep_items.T)[:16]
    np.testing.assert_allclose(squared, values**2, rtol=1e-3)


def test_supports_more_bits_than_the_rank():
    users, items = spectral_start(edges().graph(), 128, seed=0)
    assert users.shape == (60, 128)
    assert items.shape == (50, 128)
    dense = edges().graph().users_to_items.to_dense()
    np.testing.assert_allclose(users @ items.T, dense, atol=1e-3)


def test_initial_embeddings_depend_only_on_the_seed_and_keep_the_global_generator():
    graph = edges().graph()
    before = torch.random.get_rng_state()
    for start in (spectral_start, random_start):
        first, second = start(graph, 16, seed=3), start(graph, 16, seed=3)
        assert torch.equal(first[0], second[0])
        assert torch.equal(first[1], second[1])
        assert not torch.equal(first[0], start(graph, 16, seed=4)[0])
    assert torch.equal(before, torch.random.get_rng_state())
