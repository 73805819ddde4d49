import numpy as np
import pytest
import torch

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.split import random_per_user
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import parse_recipe


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """For such small matrices, a second thread costs more time than it saves."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def clustered() -> Interactions:
    """120 users in four groups, each choosing among its group's 20 items: easy to learn."""
    generator = np.random.default_rng(0)
    users, items = np.nonzero(generator.random((120, 80)) < 0.02)
    for user in range(120):
        chosen = user % 4 * 20 + generator.choice(20, size=9, replace=False)
        users, items = np.append(users, np.full(9, user)), np.append(items, chosen)
    return collapse(
        [f"user-{row}" for row in range(120)],
        [f"item-{row}" for row in range(80)],
        users.astype(np.int32),
        items.astype(np.int32),
    )


@pytest.fixture(scope="session")
def clustered_dataset(clustered: Interactions) -> Dataset:
    train, test = random_per_user(clustered, 0.2, seed=0)
    return Dataset(train, test, "clustered", ReadReport())


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    return parse_recipe(
        {
            "name": "small",
            "method": "proposed",
            "bits": 16,
            "encoder": {"name": "lightgcn"},
            "loss": {"cutoffs": [5, 20]},
            "fit": {"epochs": 4, "batch_users": 32, "learning_rate": 0.1},
            "validation": {"share": 0.15, "metric": "recall@20", "patience": 2},
        },
        "small",
    )
