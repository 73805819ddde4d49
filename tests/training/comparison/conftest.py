import pytest

from bitrecall.training.comparison.problem import Problem
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.recipe.recipe import Recipe


@pytest.fixture(scope="session")
def train(clustered_dataset: Dataset) -> Interactions:
    return clustered_dataset.train.compact()


@pytest.fixture(scope="session")
def validation(train: Interactions, small_recipe: Recipe) -> Problem:
    return Problem.validation(train, small_recipe)


@pytest.fixture(scope="session")
def final(train: Interactions, clustered_dataset: Dataset) -> Problem:
    return Problem.test(train, clustered_dataset.test)


class FitClock:
    """A clock that only fits move."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time
