import math

import numpy as np
import pytest
import torch

from bitrecall.training.baselines.bgch import dispersed, propagated, scaler
from bitrecall.training.fitting.method_registry import build
from bitrecall.training.model.encoder import LightGCN


def drawn(rows: int, size: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))


def signs(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x >= 0, 1.0, -1.0)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_dispersion_removes_a_share_of_the_leading_direction(share):
    left, right = torch.linalg.qr(drawn(40, 6)).Q, torch.linalg.qr(drawn(6, 6, 1)).Q
    values = torch.tensor([50.0, 3.0, 2.5, 2.0, 1.5, 1.0])
    embeddings = (left * values) @ right.T
    found = dispersed(embeddings, share, torch.Generator().manual_seed(2))
    expected = values.clone()
    expected[0] *= 1 - share
    np.testing.assert_allclose(
        torch.linalg.svdvals(found), expected.sort(descending=True).values, atol=0.01
    )


def test_the_direction_has_no_gradient():
    embeddings = drawn(7, 3).requires_grad_()
    found = dispersed(embeddings, 1.0, torch.Generator().manual_seed(0))
    weights = drawn(7, 3, 1)
    (found * weights).sum().backward()
    # With η = 1 the map is a projection P, its own gradient, and P·X has nothing along v.
    direction = torch.linalg.svd((embeddings - found).detach()).Vh[0]
    expected = weights - (weights @ direction)[:, None] * direction
    np.testing.assert_allclose(embeddings.grad, expected, atol=1e-5)


def test_layers_equal_those_of_lightgcn(blocks):
    graph = blocks[0].graph()
    users, items = drawn(blocks[0].n_users, 4), drawn(blocks[0].n_items, 4, 1)
    with torch.no_grad():
        expected = LightGCN(users, items, 3).layer_outputs(graph)
    for layers, expected_layers in zip(propagated(graph, users, items, 3), expected, strict=True):
        assert len(layers) == 4
        for layer, expected_layer in zip(layers, expected_layers, strict=True):
            np.testing.assert_allclose(layer, expected_layer.detach(), atol=1e-6)


def test_a_scaler_is_the_mean_magnitude_of_a_row():
    np.testing.assert_allclose(scaler(torch.tensor([[1.0, -3.0], [0.0, 0.5]])), [[2.0], [0.25]])


def test_with_scalers_a_score_is_the_weighted_sum_of_the_layers_hamming_scores(blocks, recipe_of):
    recipe = recipe_of("bgch-weighted", bgch={"dispersion": 0.0})
    method = build(blocks[0], recipe)
    with torch.no_grad():
        users, items = method.model.layer_outputs(method.graph)
    found = method.embeddings()
    assert found.similarity == "inner_product"
    assert found.users.shape[1] == 3 * recipe.bits
    expected = 0.0
    for of_users, of_items in zip(users, items, strict=True):
        weights = of_users[5].detach().abs().mean() * of_items[7].detach().abs().mean()
        hamming = int((signs(of_users[5]) != signs(of_items[7])).sum())
        expected += float(weights) * (recipe.bits - 2 * hamming)
    assert float(found.users[5] @ found.items[7]) == pytest.approx(expected, rel=1e-5)


def test_in_hamming_space_the_code_is_the_sign_of_the_mean_of_the_layers(blocks, recipe_of):
    recipe = recipe_of("bgch", bgch={"dispersion": 0.0})
    method = build(blocks[0], recipe)
    found = method.embeddings()
    assert found.similarity == "hamming"
    with torch.no_grad():
        users, items = method.model(method.graph)
    assert torch.equal(signs(found.users), signs(users))
    assert torch.equal(signs(found.items), signs(items))
    assert len(found.item_layers) == 3


@pytest.mark.parametrize("name", ["bgch", "bgch-weighted"])
def test_the_loss_ranks_codes_and_reconstructs_from_free_embeddings(blocks, recipe_of, name):
    recipe = recipe_of(
        name,
        bgch={"reconstruction": 0.3, "dispersion": 0.0},
        pairwise={"batch_pairs": 9, "regularisation": 0.2},
    )
    method = build(blocks[0], recipe)
    batch = method._sampler.batch(0, 0)
    found = method.embeddings()
    users, items, scale = found.users, found.items, 1.0
    if found.similarity == "hamming":
        users, items = signs(users), signs(items)
        scale = recipe.pairwise.span / recipe.bits
    free_users, free_items = method.model.users.detach(), method.model.items.detach()
    expected = 0.0
    for user, (positive, negative) in zip(batch.users.tolist(), batch.items.tolist(), strict=True):
        difference = scale * float(users[user] @ (items[positive] - items[negative]))
        expected += math.log(1 + math.exp(-difference))
        linked, drawn_score = (
            float(free_users[user] @ free_items[i]) for i in (positive, negative)
        )
        expected += (
            0.3 * (math.log(1 + math.exp(-linked)) + math.log(1 + math.exp(drawn_score))) / 2
        )
        rows = (free_users[user], free_items[positive], free_items[negative])
        expected += 0.2 * 0.5 * sum(float(row @ row) for row in rows)
    assert method.advance() == pytest.approx(expected / len(batch.users), rel=1e-4)


def test_scalers_scale_the_code_but_not_its_gradient(blocks, recipe_of):
    """As in the public code, layers get the gradient of the scores times the series' derivative."""
    recipe = recipe_of("bgch-weighted", encoder={"layers": 0})
    method = build(blocks[0], recipe)
    layer = (0.1 * drawn(5, recipe.bits)).requires_grad_()
    weights = drawn(5, recipe.bits, 1)
    hashed = method._hashed([layer])
    (hashed * weights).sum().backward()
    np.testing.assert_allclose(
        hashed.detach(), (signs(layer) * scaler(layer)).detach(), rtol=1e-5, atol=1e-7
    )
    x = layer.detach()
    series = sum(4 / math.pi * torch.cos(k * x) for k in (1, 3, 5, 7))
    np.testing.assert_allclose(layer.grad, weights * series.clamp(-1, 1), rtol=1e-4, atol=1e-5)
