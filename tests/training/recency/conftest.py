"""Users whose taste changes: the newest of their items tell which ones they take next."""

import numpy as np
import pytest

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.recipe.recipe import Recipe

USERS, ITEMS, GROUPS, TAKEN = 160, 80, 4, 15


@pytest.fixture(scope="session")
def drifting() -> Interactions:
    """Fifteen items of each user in order: ten of one group, then five of another."""
    generator = np.random.default_rng(0)
    size = ITEMS // GROUPS
    users, items, times = [], [], []
    for user in range(USERS):
        first, second = generator.choice(GROUPS, 2, replace=False)
        taken = [first * size + generator.choice(size, 10, replace=False)]
        taken.append(second * size + generator.choice(size, 5, replace=False))
        users.append(np.full(TAKEN, user))
        items.append(np.concatenate(taken))
        times.append(np.arange(TAKEN) * 60.0)
    return collapse(
        [f"user-{row}" for row in range(USERS)],
        [f"item-{row}" for row in range(ITEMS)],
        np.concatenate(users).astype(np.int32),
        np.concatenate(items).astype(np.int32),
        np.concatenate(times),
    )


@pytest.fixture(scope="session")
def drifting_recipe(small_recipe: Recipe) -> Recipe:
    validation = small_recipe.validation.model_copy(update={"share": 0.25})
    return small_recipe.model_copy(update={"validation": validation})
