"""Users who take their own items again, most often those that they took often lately."""

import numpy as np
import polars as pl
import pytest

from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.load import dataset_of
from bitrecall.training.data.read_options import ReadOptions, Split

USERS, ITEMS, TAKEN = 160, 80, 30


def log(repeats: float, seed: int = 0) -> pl.DataFrame:
    """Thirty rows of each user in order; a share of them are earlier items, recent ones mostly."""
    generator = np.random.default_rng(seed)
    rows = []
    for user in range(USERS):
        history: list[int] = []
        group = user % 4 * 20 + generator.permutation(20)
        for at in range(TAKEN):
            if history and (generator.random() < repeats or len(set(history)) == 20):
                age = min(int(generator.exponential(4.0)), len(history) - 1)
                history.append(history[-1 - age])
            else:
                history.append(int(group[len(set(history))]))
            rows.append((f"u{user}", f"i{history[-1]}", at * 60))
    return pl.DataFrame(rows, ["user_id", "item_id", "timestamp"], orient="row")


@pytest.fixture(scope="session")
def habits() -> Dataset:
    return dataset_of(log(0.6), ReadOptions(split=Split.NONE))
