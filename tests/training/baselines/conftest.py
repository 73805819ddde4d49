from collections.abc import Callable

import numpy as np
import pytest
import torch

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import parse_recipe

RIVALS = ("bgch", "bgch-weighted", "hashgnn", "hashrec", "lightgcn")

USERS, ITEMS, GROUPS = 80, 40, 4


@pytest.fixture(params=RIVALS)
def rival(request) -> Recipe:
    """A small recipe of each rival in turn."""
    return _recipe(request.param)


@pytest.fixture
def recipe_of() -> Callable[..., Recipe]:
    """Makes the small recipe of a rival by name; keywords override keys of its sections."""
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
    """Four groups of users, each with items of its own; three of every user's ten are hidden.

    Returns the graph without the hidden pairs, and the hidden pairs as a bool (users, items).
    Every item is equally popular within and between groups, but for the hidden ones.
    """
    generator = np.random.default_rng(3)
    own = np.arange(USERS)[:, None] % GROUPS == np.arange(ITEMS) % GROUPS
    hidden = np.zeros_like(own)
    for user in range(USERS):
        hidden[user, generator.choice(np.flatnonzero(own[user]), 3, replace=False)] = True
    users, items = np.nonzero(own & ~hidden)
    return EdgeList(users, items, USERS, ITEMS), torch.from_numpy(hidden)
