"""How a part is scored.

``test``
    Trained as ``bitrecall train`` trains, published to a store of the run's own, and scored once on
    the test split, through the release and its index; or by inner product where no index of codes
    can serve the method.
``validation``
    Trained on a part of each user's training pairs and scored after every epoch on the rest, as
    ``validation.share`` and ``validation.cut`` say. The best epoch counts; the test split is never
    read.
``ties``
    As ``validation``, and then the same codes once more with the catalogue in no order, so that
    equal distances no longer go to the more popular item.
``teacher``
    No codes: the recipe's teacher, made of the same part, ranks each asked user's unseen
    items itself, by its scores in full precision.
``fold-in``
    Three trainings, two of which leave a tenth of the users, or of the items, out: see
    bitrecall.reproduction.fold_in_study.
``second-stage``
    As ``validation``, and then the nearest few hundred ranked again in several ways: see
    bitrecall.reproduction.second_stage_study. Means are over half of the users, for the
    weights are chosen on the other half.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bitrecall.index.releases.store import ReleaseStore
from bitrecall.reproduction.second_stage_study import second_stages
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import StudyError
from bitrecall.training.evaluation.evaluate import DEFAULT_KS, evaluate
from bitrecall.training.evaluation.inner_product import score
from bitrecall.training.fitting.fit_loop import FitLoop, FitOptions, FitResult
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.metrics import BGCH_DEPTH, GroundTruth, RankingMetrics
from bitrecall.training.model.method import Embeddings
from bitrecall.training.pipeline import TrainingOptions, TrainingPipeline
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.runtime.interrupt import stop_on_signals
from bitrecall.training.runtime.training_log import TrainingLog
from bitrecall.training.teacher.teacher_lists import teacher_lists

_SPLIT_SEED = 0


@dataclass(frozen=True)
class Measurement:
    """What one way of measuring a run found.

    Attributes:
        metrics: by name and cut-off.
        epochs: how many epochs the embeddings measured were trained for.
        users: over how many users the means are.
        variant: which way, where a run is measured in several.
        similarity: by what items were ranked, where not by what the recipe's method ranks.
    """

    metrics: dict[str, float]
    epochs: int
    users: int
    variant: str | None = None
    similarity: str | None = None


@dataclass(frozen=True)
class Trial:
    """A run to be trained and measured.

    Attributes:
        dataset: what to train and, for ``test``, to test on.
        recipe: every hyper-parameter.
        folder: where its log, checkpoints and releases go.
        progress_bar: as in `bitrecall.training.pipeline.TrainingOptions`.
    """

    dataset: Dataset
    recipe: Recipe
    folder: Path
    progress_bar: bool | None = None


def measure(kind: str, trial: Trial) -> list[Measurement]:
    """Train, or go on training, and score.

    Raises:
        StudyError: there is no such kind, or the data cannot be scored so.
        InterruptedTraining: by a signal; call again to go on.
    """
    if kind not in _KINDS:
        raise StudyError(f"no part can be measured by {kind!r}: there are {', '.join(_KINDS)}")
    return _KINDS[kind](trial)


def _on_test(trial: Trial) -> list[Measurement]:
    test = trial.dataset.test
    if test is None or not len(test):
        raise StudyError(f"{trial.dataset.name} has no test split to score on")
    options = TrainingOptions(folder=trial.folder, progress_bar=trial.progress_bar)
    run = TrainingPipeline(trial.dataset, trial.recipe, options)
    if trial.recipe.similarity == "inner_product":
        fitted = run.fit()
        found = score(fitted.embeddings, run.train, test, DEFAULT_KS, bgch_depth=BGCH_DEPTH)
        return [Measurement(found, fitted.epochs, int(np.count_nonzero(test.user_degrees)))]
    result = run.publish(ReleaseStore(trial.folder / "releases"))
    report = evaluate(result.release, test, bgch_depth=BGCH_DEPTH, progress=trial.progress_bar)
    return [Measurement(report.metrics, result.epochs, report.users)]


def _on_validation(trial: Trial) -> list[Measurement]:
    part, held_out = _cut(trial)
    fitted, users = _fit(trial, part, held_out)
    return [Measurement(fitted.progress.best_metrics, fitted.progress.best_epoch, users)]


def _ties(trial: Trial) -> list[Measurement]:
    part, held_out = _cut(trial)
    fitted, users = _fit(trial, part, held_out)
    progress = fitted.progress
    at_random = np.random.default_rng(trial.recipe.seed).permutation(part.n_items)
    return [
        Measurement(progress.best_metrics, progress.best_epoch, users, "popularity"),
        Measurement(
            _score(trial.recipe, part, held_out, fitted.embeddings, at_random),
            progress.best_epoch,
            users,
            "none",
        ),
    ]


def _teacher(trial: Trial) -> list[Measurement]:
    part, held_out = _cut(trial)
    order = popularity_order(part)
    part, held_out = reorder_items(part, order), reorder_items(held_out, order)
    settings = trial.recipe.teacher
    long_enough = settings.model_copy(update={"length": max(settings.length, DEFAULT_KS[-1])})
    lists = teacher_lists(
        part, long_enough, seed=trial.recipe.seed, progress=trial.progress_bar
    ).items
    users = Validator(part, held_out, trial.recipe).users
    metrics = RankingMetrics(DEFAULT_KS, part.n_items, part.item_degrees)
    wanted = GroundTruth.from_lists(held_out.items_of(user) for user in users)
    metrics.update(lists[users], wanted)
    return [Measurement(metrics.result(), 0, len(users), similarity="scores")]


def _fold_in(trial: Trial) -> list[Measurement]:
    # Imported here, since it takes its outcomes from this file.
    from bitrecall.reproduction.fold_in_study import fold_in_study

    return fold_in_study(trial)


def _second_stage(trial: Trial) -> list[Measurement]:
    part, held_out = _cut(trial)
    order = popularity_order(part)
    ordered, wanted = reorder_items(part, order), reorder_items(held_out, order)
    fitted, _ = _fit(trial, part, held_out)
    users = Validator(ordered, wanted, trial.recipe).users
    embeddings = _in_order(fitted.embeddings, order)
    stages = second_stages(embeddings, ordered, wanted, users, trial.recipe)
    return [Measurement(found.metrics, fitted.epochs, found.users, found.name) for found in stages]


_KINDS: dict[str, Callable[[Trial], list[Measurement]]] = {
    "test": _on_test,
    "validation": _on_validation,
    "ties": _ties,
    "teacher": _teacher,
    "fold-in": _fold_in,
    "second-stage": _second_stage,
}


def _cut(trial: Trial) -> tuple[Interactions, Interactions]:
    validation = trial.recipe.validation
    train = trial.dataset.train.compact()
    return cut_validation(train, validation.share, _SPLIT_SEED, validation.cut)


def _fit(trial: Trial, part: Interactions, held_out: Interactions) -> tuple[FitResult, int]:
    """Fit on ``part``, the best epoch's embeddings in its rows; also how many users were asked."""
    order = popularity_order(part)
    ordered = reorder_items(part, order)
    validator = Validator(ordered, reorder_items(held_out, order), trial.recipe)
    fit = FitLoop(
        ordered,
        trial.recipe,
        epochs=trial.recipe.fit.stop_after or trial.recipe.fit.epochs,
        validate=validator,
        options=FitOptions(
            checkpoint=trial.folder / "validation.npz",
            log=TrainingLog(trial.folder / "log.jsonl"),
            progress_bar=trial.progress_bar,
            phase="validation",
        ),
    )
    with stop_on_signals() as stop:
        fitted = fit.run(stop)
    return fitted.in_rows_of(order), validator.n_users


def _score(
    recipe: Recipe,
    part: Interactions,
    held_out: Interactions,
    embeddings: Embeddings,
    order: NDArray[np.int64],
) -> dict[str, float]:
    """Validation metrics with the catalogue, and so the ties, in this order."""
    validator = Validator(reorder_items(part, order), reorder_items(held_out, order), recipe)
    return validator(_in_order(embeddings, order))


def _in_order(embeddings: Embeddings, order: NDArray[np.int64]) -> Embeddings:
    """The same embeddings with item ``order[r]`` at row r."""
    rows = torch.from_numpy(order)
    return replace(
        embeddings,
        items=embeddings.items[rows],
        item_layers=[layer[rows] for layer in embeddings.item_layers],
    )
