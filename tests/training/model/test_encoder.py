import numpy as np
import pytest
import torch

from bitrecall.training.model.encoder import ItemSums, LightGCN
from bitrecall.training.model.graph import EdgeList


def graph():
    edges = EdgeList(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2]), 3, 4)
    return edges.graph()


@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_embeddings_are_the_mean_over_powers_of_the_whole_adjacency(layers):
    normalised = graph()
    generator = torch.Generator().manual_seed(0)
    users, items = (torch.randn(n, 8, generator=generator) for n in (3, 4))
    block = normalised.users_to_items.to_dense()
    adjacency = torch.zeros(7, 7)
    adjacency[:3, 3:], adjacency[3:, :3] = block, block.T
    embeddings, expected = torch.cat([users, items]), torch.zeros(7, 8)
    for _ in range(layers + 1):
        expected = expected + embeddings / (layers + 1)
        embeddings = adjacency @ embeddings
    found_users, found_items = LightGCN(users, items, layers)(normalised)
    np.testing.assert_allclose(found_users.detach(), expected[:3], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found_items.detach(), expected[3:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layers", [0, 1, 3])
@pytest.mark.parametrize("sides", [(1, 1), (1, 0), (0, 1)])
def test_the_gradient_of_the_means_is_that_of_the_layers_one_by_one(layers, sides):
    users, items = torch.randn(3, 8), torch.randn(4, 8)
    weights = torch.randn(3, 8), torch.randn(4, 8)
    gradients = []
    for embed in (
        lambda model: model(graph()),
        lambda model: [model.combine(actual) for actual in model.layer_outputs(graph())],
    ):
        model = LightGCN(users, items, layers)
        actual = embed(model)
        total = sum(
            side * (one * weight).sum()
            for side, one, weight in zip(sides, actual, weights, strict=True)
        )
        gradients.append(
            torch.autograd.grad(
                total, (model.users, model.items), allow_unused=True, materialize_grads=True
            )
        )
    for ours, theirs in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_layer_outputs_begin_with_the_free_embeddings():
    model = LightGCN(torch.ones(3, 2), torch.zeros(4, 2), 2)
    users, items = model.layer_outputs(graph())
    assert len(users) == len(items) == 3
    assert torch.equal(users[0], model.users)
    assert torch.equal(items[0], model.items)


def test_item_sums_add_a_user_and_its_items():
    users, items = torch.randn(3, 8), torch.randn(4, 8)
    model = ItemSums(users, items)
    found_users, found_items = model.of_batch(graph(), torch.arange(3))
    expected = users + graph().users_to_items.to_dense() @ items
    np.testing.assert_allclose(found_users.detach(), expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(found_items, items)


@pytest.mark.parametrize("encoder", ["lightgcn", "item_sums"])
def test_a_batch_has_the_embeddings_and_gradients_of_the_full_graph(encoder):
    users, items = torch.randn(3, 8), torch.randn(4, 8)
    chosen = torch.tensor([2, 0])
    gradients = []
    for part in (False, True):
        model = LightGCN(users, items, 2) if encoder == "lightgcn" else ItemSums(users, items)
        if part:
            actual = model.of_batch(graph(), chosen)
        else:
            user_layers, item_layers = model.layer_outputs(graph())
            actual = (model.combine(user_layers)[chosen], model.combine(item_layers))
        (actual[0].sin().sum() + actual[1].cos().sum()).backward()
        gradients.append((*actual, model.users.grad, model.items.grad))
    for whole, batch in zip(*gradients, strict=True):
        np.testing.assert_allclose(whole.detach(), batch.detach(), rtol=1e-4, atol=1e-6)
