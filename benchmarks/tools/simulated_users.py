"""Simulated interactions of the sample's users, for benchmarks that need days of events."""

import numpy as np

from bitrecall.training.data.sample import SampleModel


def draw_pairs(
    model: SampleModel, random: np.random.Generator, users: int, each: int
) -> list[tuple[str, int]]:
    """Draw some users, each with some items that they like: ids of users, rows of items."""
    return [
        (model.user_ids[user], int(item))
        for user in random.choice(len(model.user_ids), users, replace=False)
        for item in random.choice(
            len(model.item_ids),
            each,
            replace=False,
            p=model.weights[user] / model.weights[user].sum(),
        )
    ]
