"""The ranker: gradient-boosted trees that estimate the probability of a hit from the features."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm
import numpy as np
import torch
from numpy.typing import NDArray

# Chosen on validation pairs, with the scorers (``scorer_set``): large trees overfit on ml100k and
# the densest parts of Gowalla and Yelp2018 (943 to 1,776 users), and small ones rank worse on
# Gowalla and beauty (29,858 and 22,363 users). Nothing between 1,776 and 22,363 was tried.
_MANY_USERS = 5_000
_SMALL_TREES = {
    "num_iterations": 80,
    "num_leaves": 7,
    "learning_rate": 0.07,
    "min_data_in_leaf": 200,
}
_LARGE_TREES = {
    "num_iterations": 150,
    "num_leaves": 31,
    "learning_rate": 0.05,
    "min_data_in_leaf": 100,
}
# A learning rate of 0.2 makes losses vary by more than most scorers add; finer bins fit noise.
_DRAFT = {**_SMALL_TREES, "num_iterations": 40, "learning_rate": 0.1, "max_bin": 63}
_PARAMETERS = {
    "objective": "binary",
    # The best scores and ranks differ in fine steps.
    "max_bin": 1023,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


class Ranker:
    """Several models, whose probabilities are averaged.

    Args:
        models: LightGBM's text form of each; at least one, all of the same features.

    Attributes:
        features: the names of the features.
    """

    def __init__(self, models: Sequence[str]) -> None:
        self.models = tuple(models)
        self._boosters = [lightgbm.Booster(model_str=model) for model in models]
        self.features: tuple[str, ...] = tuple(self._boosters[0].feature_name())

    @property
    def kinds(self) -> list[str]:
        """The kinds of scorers that the features come from."""
        return list(dict.fromkeys(name.partition("/")[0] for name in self.features if "/" in name))

    def probabilities(
        self, features: NDArray[np.float32], model: int | None = None
    ) -> NDArray[np.float32]:
        """Return probabilities, relative to one another, float32 (n,).

        Args:
            features: float32 (n, f).
            model: use this one only; None averages all.
        """
        boosters = self._boosters if model is None else [self._boosters[model]]
        threads = torch.get_num_threads()
        total = np.zeros(len(features))
        for booster in boosters:
            total += np.asarray(booster.predict(features, num_threads=threads))
        return (total / len(boosters)).astype(np.float32)


def fit_model(
    features: NDArray[np.float32],
    hits: NDArray[np.bool_],
    weights: NDArray[np.float32],
    names: Sequence[str],
    seed: int,
    *,
    n_users: int,
    draft: bool = False,
) -> str:
    """Fit one model and return its text form.

    Args:
        features: float32 (n, f).
        hits: bool (n,), with some of both.
        weights: float32 (n,), of each row.
        names: of the features, without spaces and the special characters of JSON.
        seed: the same seed gives the same model.
        n_users: number of users with held-out items, which the size of the trees depends on.
        draft: fit fewer trees at a higher learning rate, to compare features.
    """
    data = lightgbm.Dataset(
        features, hits.astype(np.float32), weight=weights, feature_name=list(names)
    )
    trees = _LARGE_TREES if n_users >= _MANY_USERS else _SMALL_TREES
    parameters = {
        **_PARAMETERS,
        **(_DRAFT if draft else trees),
        "seed": seed,
        "num_threads": torch.get_num_threads(),
    }
    return str(lightgbm.train(parameters, data).model_to_string())
