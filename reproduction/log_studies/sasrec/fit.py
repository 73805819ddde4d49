"""Training of SASRec, for a number of epochs or to the best epoch on validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from bitrecall.reproduction.log_studies.sasrec.model import SASRec
from bitrecall.reproduction.log_studies.sasrec.settings import SASRecSettings
from bitrecall.reproduction.log_studies.sasrec.windows import (
    Items,
    batches,
    padded,
    training_windows,
)
from bitrecall.training.comparison.problem import Problem
from bitrecall.training.comparison.recommenders import Scored
from bitrecall.training.data.histories import histories
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.errors import StudyError
from bitrecall.training.model.adamw import AdamW

_FLOAT_BYTES = 4
_EPSILON = 1e-8


@dataclass(frozen=True)
class SASRecValidation:
    """The result of a training with validation.

    Attributes:
        epoch: the best epoch.
        metric: its value of the validation metric.
        curve: epoch, seconds of training and the metric of each validation.
        seconds: time of the training, without validation.
        validation_seconds: time of the validations.
    """

    epoch: int
    metric: float
    curve: tuple[tuple[int, float, float], ...]
    seconds: float
    validation_seconds: float


class SASRecTraining:
    """One training, whose random draws depend on the seed alone.

    Args:
        train: the interactions to train on, whose order is known.
        settings: size and training.
        seed: seed of all random draws.

    Attributes:
        seconds: time of the epochs so far.

    Raises:
        StudyError: the order is unknown, or no user has two interactions.
    """

    def __init__(self, train: Interactions, settings: SASRecSettings, seed: int) -> None:
        if not train.is_ordered:
            raise StudyError(
                "a sequence model needs the order of each user's interactions: use data with times"
            )
        self._settings = settings
        self._generator = np.random.default_rng(seed)
        self._histories: list[NDArray[np.int32]] = histories(
            train, range(train.n_users), self._generator
        )
        self._windows = training_windows(self._histories, settings.length)
        if not self._windows:
            raise StudyError("no user has two interactions: a sequence model has nothing to learn")
        self.steps = math.ceil(len(self._windows) / settings.batch)
        torch.manual_seed(seed)
        self._model = SASRec(train.n_items, settings)
        self._adam = AdamW(self._model.parameters(), weight_decay=0.0, epsilon=_EPSILON)
        self.seconds = 0.0

    def epoch(self) -> float:
        """Train on all windows once, and return the mean loss of the steps."""
        started = monotonic()
        self._model.train()
        losses = []
        for batch in batches(self._windows, self._settings.batch, self._generator):
            loss = self._loss(batch)
            self._adam.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step(self._settings.learning_rate)
            losses.append(float(loss.detach()))
        self.seconds += monotonic() - started
        return float(np.mean(losses))

    def recommender(self) -> Scored:
        """Return the model as it is now, for the users of the interactions."""
        table = self._model.item_table.weight
        return Scored(self._scores, self._model.n_items, _FLOAT_BYTES * table.shape[1])

    def _loss(self, batch: Sequence[Items]) -> Tensor:
        inputs, lengths = padded([window[:-1] for window in batch], self._model.n_items)
        targets, _ = padded([window[1:] for window in batch], self._model.n_items)
        real = targets < self._model.n_items
        return cross_entropy(self._model.logits(self._model(inputs, lengths)[real]), targets[real])

    def _scores(self, users: NDArray[np.int64]) -> Tensor:
        model, limit = self._model, self._settings.length
        newest = [self._histories[user][-limit:] for user in users.tolist()]
        # Short histories together, to compute little padding.
        order = np.argsort([len(items) for items in newest], kind="stable")
        last = torch.empty(len(users), self._settings.dimensions)
        model.eval()
        with torch.no_grad():
            for start in range(0, len(order), self._settings.batch):
                rows = order[start : start + self._settings.batch]
                inputs, lengths = padded([newest[row] for row in rows], model.n_items)
                hidden = model(inputs, lengths)
                last[torch.from_numpy(rows)] = hidden[torch.arange(len(rows)), lengths - 1]
            return model.logits(last)


def fit_with_validation(
    problem: Problem,
    settings: SASRecSettings,
    seed: int,
    metric: str,
    report: Callable[[str], None] = lambda line: None,
) -> SASRecValidation:
    """Train until validation no longer improves.

    Args:
        problem: interactions to train on, and held-out ones to validate on.
        settings: size and training.
        seed: seed of all random draws.
        metric: metric of the best epoch, such as ``recall@50``.
        report: receives a line of text per validation.
    """
    training = SASRecTraining(problem.train, settings, seed)
    every = math.ceil(settings.validation_steps / training.steps)
    curve: list[tuple[int, float, float]] = []
    validation_seconds = 0.0
    best = 0
    for epoch in range(1, settings.epochs + 1):
        loss = training.epoch()
        if epoch % every and epoch != settings.epochs:
            continue
        started = monotonic()
        value = problem.metric(training.recommender(), metric)
        validation_seconds += monotonic() - started
        curve.append((epoch, round(training.seconds, 2), value))
        report(f"epoch {epoch}, {training.seconds:.0f} s: loss {loss:.4f}, {metric} {value:.4f}")
        best = max(range(len(curve)), key=lambda number: curve[number][2])
        if len(curve) - 1 - best >= settings.patience:
            break
    return SASRecValidation(
        curve[best][0], curve[best][2], tuple(curve), training.seconds, validation_seconds
    )


def fit(train: Interactions, settings: SASRecSettings, seed: int, epochs: int) -> SASRecTraining:
    """Train for a number of epochs."""
    training = SASRecTraining(train, settings, seed)
    for _ in range(epochs):
        training.epoch()
    return training
