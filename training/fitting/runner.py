"""Fits interactions: order the items, fit, and stop on signals.

Every training uses ``fit_interactions``: ``bitrecall train``, retraining, and the studies,
including their trainings that hold out users or items.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.fit_result import FitResult, Progress
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.fitting.warm_start import WarmStart, WarmStartState
from bitrecall.training.model.method import Embeddings
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.interrupt import stop_on_signals


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A finished training, its items in descending popularity.

    Attributes:
        train: the training pairs, in the rows of ``fit`` and of a release of this model.
        item_order: int64 (n,), the row that each item had in the original pairs.
        fit: embeddings and progress.
        validator: evaluates embeddings in these rows on the held-out pairs; None without
            validation.
        warm_start: the start of the training; None if from scratch.
    """

    train: Interactions
    item_order: NDArray[np.int64]
    fit: FitResult
    validator: Validator | None = None
    warm_start: WarmStart | None = None

    @property
    def embeddings(self) -> Embeddings:
        """The embeddings, in the rows of ``train``."""
        return self.fit.embeddings

    @property
    def epochs(self) -> int:
        """Number of epochs, including those of a validated training that this one continues."""
        continued = self.warm_start is not None and self.fit.progress.best_epoch
        return self.fit.epochs + (len(self.fit.progress.history) if continued else 0)

    def for_pairs(self, pairs: Interactions) -> TrainedModel:
        """Return the same embeddings with other pairs, ordered by the popularity in those pairs.

        Args:
            pairs: pairs with the vocabulary and the item rows of the original pairs.
        """
        order = popularity_order(pairs)
        rank = np.empty_like(self.item_order)
        rank[self.item_order] = np.arange(len(rank))
        return TrainedModel(
            reorder_items(pairs, order),
            order,
            self.fit.with_items(rank[order]),
            warm_start=self.warm_start,
        )

    def with_validation_of(self, progress: Progress) -> TrainedModel:
        """Return this model with what the fit with validation chose."""
        validated = replace(
            self.fit.progress,
            best_epoch=progress.best_epoch,
            best_metrics=progress.best_metrics,
            recency=progress.recency,
            repeats=progress.repeats,
            scorers=self.fit.progress.scorers or progress.scorers,
        )
        return replace(self, fit=replace(self.fit, progress=validated))

    def warm_start_state(self) -> WarmStartState:
        """Return the state from which a later training on other pairs can start."""
        return WarmStartState(
            self.train.sha256(),
            self.train.user_ids,
            self.train.item_ids,
            self.fit.free,
            tuple(self.fit.progress.ranker_models),
        )


def fit_interactions(
    pairs: Interactions,
    recipe: Recipe,
    options: FitOptions,
    *,
    epochs: int | None = None,
    held_out: Interactions | None = None,
    validate_every: int = 1,
    start: WarmStartState | None = None,
) -> TrainedModel:
    """Train on pairs, resuming from the checkpoint of the same training if there is one.

    The first SIGINT or SIGTERM writes a checkpoint and stops the training between two steps.

    Args:
        pairs: the pairs to train on, items in any order.
        recipe: every hyper-parameter.
        options: device, checkpoint, log, progress bar.
        epochs: number of epochs of the recipe's schedule to run; None uses the recipe's number.
        held_out: pairs of the same vocabulary to validate on after each epoch. The best epoch is
            kept, and ``recipe.validation.patience`` epochs without an improvement end the fit.
        validate_every: validate after each epoch divisible by this, at least 1, and after the last.
        start: an earlier training to start from; None starts from scratch.

    Raises:
        TrainingError: there are no pairs.
        InterruptedTraining: stopped by a signal; the same call resumes.
        DivergedError: the loss is no longer a finite number.
        CheckpointError: the checkpoint is damaged, belongs to another training, or cannot be
            written.
    """
    order = popularity_order(pairs)
    train = reorder_items(pairs, order)
    recipe = recipe.for_users(int(np.count_nonzero(train.user_degrees)))
    validator = None
    if held_out is not None:
        held_out = reorder_items(held_out, order)
        validator = Validator(train, held_out, recipe)
    warm_start = None if start is None else start.start(train)
    loop = FitLoop(
        train,
        recipe,
        epochs=epochs or recipe.fit.epochs_to_run,
        validate=validator,
        validate_every=validate_every,
        options=options,
        warm=warm_start,
        held_out=held_out,
    )
    if loop.resumed:
        options.log.write("resumed", phase=options.phase, epochs_done=len(loop.progress.history))
    with stop_on_signals() as stop:
        result = loop.run(stop)
    return TrainedModel(train, order, result, validator, warm_start)
