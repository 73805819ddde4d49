import math

import numpy as np
import pytest
import torch

from bitrecall.training.fitting.method_registry import build


def test_embeddings_are_means_of_layers_ranked_by_inner_product(blocks, recipe_of):
    method = build(blocks[0], recipe_of("lightgcn", encoder={"layers": 3}))
    found = method.embeddings()
    assert found.similarity == "inner_product"
    assert found.users.shape[1] == 16
    assert len(found.item_layers) == 4
    np.testing.assert_allclose(found.items, torch.stack(found.item_layers).mean(0), atol=1e-7)


def test_the_loss_is_bpr_of_propagated_scores_plus_l2_of_free_embeddings(blocks, recipe_of):
    recipe = recipe_of(
        "lightgcn", pairwise={"batch_pairs": 6, "negatives": 2, "regularisation": 0.2}
    )
    method = build(blocks[0], recipe)
    batch = method._sampler.batch(0, 0)
    found = method.embeddings()
    free_users, free_items = method.model.users.detach(), method.model.items.detach()
    ranking, squares = [], 0.0
    for user, items in zip(batch.users.tolist(), batch.items.tolist(), strict=True):
        positive, *negatives = (float(found.users[user] @ found.items[item]) for item in items)
        ranking += [math.log(1 + math.exp(negative - positive)) for negative in negatives]
        rows = [free_users[user], *(free_items[item] for item in items)]
        squares += sum(float(row @ row) for row in rows)
    expected = sum(ranking) / len(ranking) + 0.2 * 0.5 * squares / len(batch.users)
    assert method.advance() == pytest.approx(expected, rel=1e-5)
