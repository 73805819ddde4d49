import itertools
import math

import pytest
import torch

from bitrecall.training.fitting.method_registry import build


def test_the_square_of_the_slope_rises_linearly_from_1(blocks, recipe_of):
    recipe = recipe_of("hashrec", fit={"epochs": 2}, hashrec={"steepest": 9.0})
    method = build(blocks[0], recipe)
    squares = []
    while method.epoch < 2:
        squares.append(method.slope() ** 2)
        method.advance()
    assert squares[0] == pytest.approx(1)
    assert method.slope() == pytest.approx(9)
    rises = [later - earlier for earlier, later in itertools.pairwise(squares)]
    assert rises == pytest.approx([80 / (2 * method.steps)] * len(rises))


def test_the_loss_is_bpr_of_scaled_products_of_tanh(blocks, recipe_of):
    recipe = recipe_of(
        "hashrec",
        fit={"epochs": 2},
        hashrec={"steepest": 5.0},
        pairwise={"batch_pairs": 200, "regularisation": 0.0, "span": 8.0},
    )
    method = build(blocks[0], recipe)
    method.advance()
    beta = method.slope()
    assert beta > 1.5
    users = torch.tanh(beta * method.model.users.detach())
    items = torch.tanh(beta * method.model.items.detach())
    batch = method._sampler.batch(0, 1)
    terms = []
    for user, (positive, negative) in zip(batch.users.tolist(), batch.items.tolist(), strict=True):
        difference = float(users[user] @ (items[positive] - items[negative])) * 8 / 16
        terms.append(math.log(1 + math.exp(-difference)))
    assert method.advance() == pytest.approx(sum(terms) / len(terms), rel=1e-5)


def test_does_not_use_the_graph(blocks, recipe_of):
    found = build(blocks[0], recipe_of("hashrec", encoder={"layers": 4})).embeddings()
    assert len(found.item_layers) == 1
    assert torch.equal(found.item_layers[0], found.items)
