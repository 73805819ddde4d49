import numpy as np
import pytest
import torch

from bitrecall.index.search.packing import pack_signs, unpack_signs
from bitrecall.training.data.split import cut_validation
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.model.method import Embeddings


def test_equals_a_brute_force_ranking_of_the_codes(clustered, small_recipe):
    fit, held_out = cut_validation(clustered, 0.2, seed=0)
    generator = torch.Generator().manual_seed(0)
    users = torch.randn(fit.n_users, 16, generator=generator)
    items = torch.randn(fit.n_items, 16, generator=generator)
    actual = Validator(fit, held_out, small_recipe)(Embeddings(users, items, [items]))

    signs = [unpack_signs(pack_signs(side.numpy())).astype(int) for side in (users, items)]
    scores = signs[0] @ signs[1].T
    recalls = []
    for user in np.flatnonzero(held_out.user_degrees):
        seen = set(fit.items[fit.users == user].tolist())
        ranked = sorted(range(fit.n_items), key=lambda item: (-scores[user, item], item))
        top = [item for item in ranked if item not in seen][:20]
        expected = set(held_out.items[held_out.users == user].tolist())
        recalls.append(len(expected.intersection(top)) / len(expected))
    assert actual["recall@20"] == np.mean(recalls)


def test_ranks_real_values_by_inner_product(clustered, small_recipe):
    fit, held_out = cut_validation(clustered, 0.2, seed=0)
    generator = torch.Generator().manual_seed(0)
    users = torch.randn(fit.n_users, 5, generator=generator)
    items = torch.randn(fit.n_items, 5, generator=generator)
    actual = Validator(fit, held_out, small_recipe)(
        Embeddings(users, items, [items], "inner_product")
    )

    scores = (users @ items.T).numpy()
    scores[fit.users, fit.items] = -np.inf
    top = np.argsort(-scores, axis=1)[:, :20]
    recalls = [
        np.isin(held_out.items_of(user), top[user]).mean()
        for user in np.flatnonzero(held_out.user_degrees)
    ]
    assert actual["recall@20"] == pytest.approx(np.mean(recalls), abs=1e-12)


def test_limits_the_number_of_users(clustered, small_recipe):
    fit, held_out = cut_validation(clustered, 0.2, seed=0)
    few = small_recipe.validation.model_copy(update={"users": 5})
    recipe = small_recipe.model_copy(update={"validation": few})
    assert Validator(fit, held_out, recipe).n_users == 5
