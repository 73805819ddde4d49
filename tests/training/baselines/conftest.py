from collections.abc import Callable

import numpy as np
import pytest
import torch

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import parse_recipe

BASELINES = ("bgch", "bgch-weighted", "hashgnn", "hashrec", "lightgcn")

USERS, ITEMS, GROUPS = 80, 40, 4


@pytest.fixture(params=BASELINES)
def baseline(request) -> Recipe:
    """A small recipe of each baseline in turn."""
    return _recipe(request.param)


@pytest.fixture
def recipe_of() -> Callable[..., Recipe]:
    """Build the small recipe of a baseline by name; keywords override keys of its sections."""
    return _recipe


def _recipe(name: str, **choices: dict[str, object]) -> Recipe:
    method, _, form = name.partition("-")
    values = {
        "name": name,
        "method": method,
        "bits": 16,
        "encoder": {"layers": 1 if method == "hashgnn" else 2, "start": "random"},
        "fit": {"epochs": 30, "learning_rate": 0.05},
        "pairwise": {"batch_pairs": 128, "regularisation": 1e-4},
        "hashgnn": {"dimensions": 16},
        "lightgcn": {"dimensions": 16},
        "bgch": {"form": form or "hamming"},
    }
    for key, value in choices.items():
        values[key] = {**values.get(key, {}), **value}
    return parse_recipe(values, name)


@pytest.fixture(scope="session")
def blocks() -> tuple[EdgeList, torch.Tensor]:
    """Four groups of users with separate items; three of the ten items of each user are hidden.

    Apart from the hidden pairs, all items are equally popular.

    Returns:
        the graph without the hidden pairs, and the hidden pairs as a bool (users, items).
    """
    generator = np.random.default_rng(3)
    same_group = np.arange(USERS)[:, None] % GROUPS == np.arange(ITEMS) % GROUPS
    hidden = np.zeros_like(same_group)
    for user in range(USERS):
        hidden[user, generator.choice(np.flatnonzero(same_group[user]), 3, replace=False)] = True
    users, items = np.nonzero(same_group & ~hidden)
    return EdgeList(users, items, USERS, ITEMS), torch.from_numpy(hidden)
