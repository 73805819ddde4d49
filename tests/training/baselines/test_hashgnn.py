import numpy as np
import pytest
import torch

from bitrecall.training.baselines.hashgnn import GraphEncoder, NeighbourMeans
from bitrecall.training.fitting.method_registry import build
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.pair_scores import bpr_loss, pair_scores, reconstruction_loss

MATRIX = np.array([[1, 1, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]], dtype=bool)


def means_of(matrix: np.ndarray) -> NeighbourMeans:
    edges = EdgeList(*np.nonzero(matrix), *matrix.shape)
    user_degrees, item_degrees = (torch.from_numpy(matrix.sum(axis)) for axis in (1, 0))
    return NeighbourMeans(edges.graph(), user_degrees, item_degrees)


def drawn(rows: int, size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))


def mean_rows(values: torch.Tensor, chosen: np.ndarray) -> torch.Tensor:
    return (
        values[torch.from_numpy(chosen)].mean(0) if chosen.any() else torch.zeros(values.shape[1])
    )


def test_averages_neighbours_and_gives_0_without_any():
    users, items, means = drawn(3, 2), drawn(4, 2, 1), means_of(MATRIX)
    for user in range(3):
        np.testing.assert_allclose(
            means.of_users(items)[user], mean_rows(items, MATRIX[user]), atol=1e-6
        )
    for item in range(4):
        np.testing.assert_allclose(
            means.of_items(users)[item], mean_rows(users, MATRIX[:, item]), atol=1e-6
        )


def test_the_encoder_equals_aggregation_node_by_node():
    """For each node: leaky ReLU of [self; mean of neighbours] W, twice, then tanh."""
    generator = torch.Generator().manual_seed(2)
    encoder = GraphEncoder(drawn(3, 2), drawn(4, 2, 1), 2, 8, generator)
    with torch.no_grad():
        encoder.user_bias += drawn(1, 8, 3)[0]
        users, items = encoder(means_of(MATRIX))
        before_users, before_items = encoder.users, encoder.items
        for layer in range(2):

            def step(own, others, chosen, weights):
                value = torch.cat([own, mean_rows(others, chosen)]) @ weights
                return torch.where(value > 0, value, 0.2 * value)

            after_users = [
                step(before_users[u], before_items, MATRIX[u], encoder.user_weights[layer])
                for u in range(3)
            ]
            after_items = [
                step(before_items[i], before_users, MATRIX[:, i], encoder.item_weights[layer])
                for i in range(4)
            ]
            before_users, before_items = torch.stack(after_users), torch.stack(after_items)
        hashed_users = torch.tanh(before_users @ encoder.user_hash + encoder.user_bias)
        hashed_items = torch.tanh(before_items @ encoder.item_hash + encoder.item_bias)
    np.testing.assert_allclose(users, hashed_users, atol=1e-6)
    np.testing.assert_allclose(items, hashed_items, atol=1e-6)


def test_the_share_of_codes_rises_to_1_over_the_guided_share(blocks, recipe_of):
    recipe = recipe_of("hashgnn", fit={"epochs": 4}, hashgnn={"guided": 0.5})
    method = build(blocks[0], recipe)
    shares = []
    while method.epoch < 4:
        shares.append(method.share_of_codes())
        method.advance()
    half = len(shares) // 2
    assert shares[:half] == pytest.approx(np.arange(half) / half)
    assert shares[half:] == [1.0] * (len(shares) - half)


def losses_of(method, users: torch.Tensor, items: torch.Tensor) -> float:
    batch = method._sampler.batch(0, 0)
    scores = pair_scores(users, items, batch.users, batch.items)
    scores = scores * (method.recipe.pairwise.span / method.recipe.bits)
    weight = method.recipe.hashgnn.cross_entropy
    return float(bpr_loss(scores) + weight * reconstruction_loss(scores))


def test_starts_with_real_values_if_guided_and_with_codes_if_not(blocks, recipe_of):
    for guided in (0.5, 0.0):
        recipe = recipe_of(
            "hashgnn",
            hashgnn={"guided": guided, "cross_entropy": 0.7},
            pairwise={"regularisation": 0.0},
        )
        method = build(blocks[0], recipe)
        found = method.embeddings()
        if guided:
            expected = losses_of(method, found.users, found.items)
        else:
            signs = (torch.where(x >= 0, 1.0, -1.0) for x in (found.users, found.items))
            expected = losses_of(method, *signs)
        assert method.advance() == pytest.approx(expected, rel=1e-5)


def test_half_way_some_nodes_use_codes_and_others_real_values(blocks, recipe_of):
    recipe = recipe_of(
        "hashgnn",
        hashgnn={"guided": 1.0, "cross_entropy": 0.0},
        pairwise={"regularisation": 0.0},
    )
    method = build(blocks[0], recipe)
    state = method.state()
    method.load(state, epoch=0, step=0)
    real = losses_of(method, *(x for x in (method.embeddings().users, method.embeddings().items)))
    method.epoch = recipe.fit.epochs // 2
    assert method.share_of_codes() == pytest.approx(0.5)
    mixed = method._loss(method._sampler.batch(0, 0)).item()
    again = method._loss(method._sampler.batch(0, 0)).item()
    assert mixed == again
    assert mixed != pytest.approx(real, rel=1e-4)


def test_the_gradient_of_a_code_is_straight_through(blocks, recipe_of):
    """The bias of the hash layer gets the gradient at ±1, times the derivative of tanh."""
    recipe = recipe_of(
        "hashgnn",
        hashgnn={"guided": 0.0, "cross_entropy": 0.0},
        pairwise={"regularisation": 0.0, "batch_pairs": 30},
    )
    method = build(blocks[0], recipe)
    batch = method._sampler.batch(0, 0)
    method._loss(batch).backward()
    found = method.embeddings()
    codes = [torch.where(x >= 0, 1.0, -1.0).requires_grad_() for x in (found.users, found.items)]
    scores = (codes[0][batch.users][:, None] * codes[1][batch.items]).sum(2)
    bpr_loss(scores * (recipe.pairwise.span / recipe.bits)).backward()
    expected = (codes[0].grad * (1 - found.users**2)).sum(0)
    np.testing.assert_allclose(method.model.user_bias.grad, expected, rtol=1e-3, atol=1e-6)
