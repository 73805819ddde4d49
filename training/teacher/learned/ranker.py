"""The ranker: gradient-boosted trees that estimate the probability of a hit from the features."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm
import numpy as np
import torch
from numpy.typing import NDArray

# Chosen with the scorers (``scorer_set``): 150 trees of 15 leaves, of 50 rows at least, overfit on
# small data.
_TREES = 80
_PARAMETERS = {
    "objective": "binary",
    "num_leaves": 7,
    "learning_rate": 0.07,
    "min_data_in_leaf": 200,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


class Ranker:
    """Several models, whose probabilities are averaged.

    Args:
        models: LightGBM's text form of each; at least one.
    """

    def __init__(self, models: Sequence[str]) -> None:
        self.models = tuple(models)
        self._boosters = [lightgbm.Booster(model_str=model) for model in models]

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
    seed: int,
) -> str:
    """Fit one model and return its text form.

    Args:
        features: float32 (n, f).
        hits: bool (n,), with some of both.
        weights: float32 (n,), of each row.
        seed: the same seed gives the same model.
    """
    data = lightgbm.Dataset(features, hits.astype(np.float32), weight=weights)
    parameters = {**_PARAMETERS, "seed": seed, "num_threads": torch.get_num_threads()}
    return str(lightgbm.train(parameters, data, _TREES).model_to_string())
