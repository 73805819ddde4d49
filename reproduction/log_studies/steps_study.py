"""Training steps by the size of the data: a quarter to four times the steps of the recipe."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from bitrecall.reproduction.log_studies.cell import METRICS, Cell, CellRun, Measured
from bitrecall.reproduction.log_studies.scaled_interactions import scaled
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import StudyError
from bitrecall.training.fitting.runner import fit_interactions

STUDY = "steps"

SIZES: Mapping[str, float] = {"1000-users": 1000, "0.1x": 0.1, "1x": 1.0, "10x": 10.0}
"""Sizes by name: a number of users from 100 up, or a multiple of the data set's."""

MULTIPLES = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Epochs, as multiples of the recipe's."""

_LEAST_USERS = 100


def cells(dataset: str) -> list[Cell]:
    """Return a cell per size and multiple."""
    return [
        Cell(
            STUDY,
            dataset,
            f"{name}/{multiple:g}",
            partial(measure_steps, name=name, multiple=multiple),
            {"size": size, "multiple": multiple},
        )
        for name, size in SIZES.items()
        for multiple in MULTIPLES
    ]


def measure_steps(run: CellRun, name: str, multiple: float) -> list[Measured]:
    """Train on a fraction or several copies of the users, and measure the last epoch on validation.

    The schedule of the learning rate ends with the last epoch. The order of interactions is not
    used, because copies have none.

    Raises:
        StudyError: the data set has fewer users than the size.
    """
    train = run.dataset.train.compact()
    scale = SIZES[name]
    if scale >= _LEAST_USERS:
        # Half a user more, because the number is rounded down.
        scale = (scale + 0.5) / train.n_users
        if scale > 1:
            raise StudyError(f"{run.dataset.name} has only {train.n_users:,} users")
    pairs = scaled(train, scale)
    validation = run.recipe.validation
    part, held_out = cut_validation(pairs, validation.share, run.recipe.seed, validation.cut)
    n_users = int(np.count_nonzero(part.user_degrees))
    fit = run.recipe.for_users(n_users).fit
    epochs = max(1, round(multiple * fit.epochs))
    fit = fit.model_copy(update={"epochs": epochs, "stop_after": None})
    recipe = run.recipe.model_copy(update={"fit": fit})
    options = run.fit_options("validation")
    model = fit_interactions(part, recipe, options, held_out=held_out, validate_every=epochs)
    progress = model.fit.progress
    details = {
        "size": name,
        "multiple": multiple,
        "users": n_users,
        "interactions": len(pairs),
        "batch": fit.batch_users,
        "epochs": epochs,
        "steps": epochs * math.ceil(n_users / fit.batch_users),
        "step_seconds": round(progress.seconds, 2),
    }
    metrics = {metric: progress.best_metrics[metric] for metric in METRICS}
    return [Measured("validation", metrics, details=details)]
