"""The measures of a part of the study.

``test``
    Train like ``bitrecall train``, publish to a separate store, and score once on the test split,
    with the release and its index; or by inner product if the method has no codes to serve.
``validation``
    Train on a part of each user's training pairs, and score on the others after every epoch
    (``validation.share`` and ``validation.cut``). The best epoch counts; the test split is never
    read.
``ties``
    Like ``validation``; then score the same codes with the items in random order, so that ties no
    longer go to the more popular item.
``teacher``
    No codes: the recipe's teacher, fitted to the same part, ranks each user's unseen items by its
    scores in floats.
``fold-in``
    Train three times, without a tenth of the users or items in two of them: see
    ``bitrecall.reproduction.fold_in_study``.
``second-stage``
    Like ``validation``; then re-rank the nearest few hundred items in several ways: see
    ``bitrecall.reproduction.second_stage_study``. Means are over half of the users, because the
    weights are chosen on the other half.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from bitrecall.index.releases.store import ReleaseStore
from bitrecall.reproduction.fold_in_study import fold_in_study
from bitrecall.reproduction.second_stage_study import second_stages
from bitrecall.reproduction.trial import Measurement, Trial
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import StudyError
from bitrecall.training.evaluation.evaluate import DEFAULT_KS, evaluate
from bitrecall.training.evaluation.inner_product import score
from bitrecall.training.fitting.runner import TrainedModel, fit_interactions
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.metrics import BGCH_DEPTH, GroundTruth, RankingMetrics
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.teacher.teacher_lists import teacher_lists
from bitrecall.training.training_options import TrainingOptions

_SPLIT_SEED = 0


def measure(kind: str, trial: Trial) -> list[Measurement]:
    """Train, or resume training, and score.

    Raises:
        StudyError: the kind is unknown, or the data cannot be scored in this way.
        InterruptedTraining: by a signal; call again to resume.
    """
    if kind not in _KINDS:
        raise StudyError(f"unknown measure {kind!r}: expected one of {', '.join(_KINDS)}")
    return _KINDS[kind](trial)


def _on_test(trial: Trial) -> list[Measurement]:
    test = trial.dataset.test
    if test is None or not len(test):
        raise StudyError(f"{trial.dataset.name} has no test split to score on")
    options = TrainingOptions(folder=trial.folder, progress_bar=trial.progress_bar)
    pipeline = TrainingPipeline(trial.dataset, trial.recipe, options)
    if trial.recipe.similarity == "inner_product":
        model = pipeline.fit()
        metrics = score(model.embeddings, model.train, test, DEFAULT_KS, bgch_depth=BGCH_DEPTH)
        return [Measurement(metrics, model.fit.epochs, int(np.count_nonzero(test.user_degrees)))]
    result = pipeline.publish(ReleaseStore(trial.folder / "releases"))
    report = evaluate(result.release, test, bgch_depth=BGCH_DEPTH, progress=trial.progress_bar)
    return [Measurement(report.metrics, result.epochs, report.users)]


def _on_validation(trial: Trial) -> list[Measurement]:
    model, validator = _fit(trial)
    progress = model.fit.progress
    return [Measurement(progress.best_metrics, progress.best_epoch, validator.n_users)]


def _ties(trial: Trial) -> list[Measurement]:
    model, validator = _fit(trial)
    progress = model.fit.progress
    # Drawn over the rows of the items before they were ordered by popularity.
    shuffled = np.random.default_rng(trial.recipe.seed).permutation(model.train.n_items)
    order = np.argsort(model.item_order)[shuffled]
    unordered = Validator(
        reorder_items(model.train, order), reorder_items(validator.held_out, order), trial.recipe
    )
    metrics = unordered(model.embeddings.with_items(torch.from_numpy(order)))
    users = validator.n_users
    return [
        Measurement(progress.best_metrics, progress.best_epoch, users, "popularity"),
        Measurement(metrics, progress.best_epoch, users, "none"),
    ]


def _teacher(trial: Trial) -> list[Measurement]:
    part, held_out = _cut(trial)
    order = popularity_order(part)
    part, held_out = reorder_items(part, order), reorder_items(held_out, order)
    recipe = trial.recipe.teacher
    recipe = recipe.model_copy(update={"length": max(recipe.length, DEFAULT_KS[-1])})
    lists = teacher_lists(part, recipe, seed=trial.recipe.seed, progress=trial.progress_bar).items
    users = Validator(part, held_out, trial.recipe).users
    metrics = RankingMetrics(DEFAULT_KS, part.n_items, part.item_degrees)
    metrics.update(lists[users], GroundTruth.from_lists(held_out.items_of(user) for user in users))
    return [Measurement(metrics.result(), 0, len(users), similarity="scores")]


def _second_stage(trial: Trial) -> list[Measurement]:
    model, validator = _fit(trial)
    stages = second_stages(
        model.embeddings, model.train, validator.held_out, validator.users, trial.recipe
    )
    return [
        Measurement(stage.metrics, model.fit.epochs, stage.users, stage.name) for stage in stages
    ]


_KINDS: dict[str, Callable[[Trial], list[Measurement]]] = {
    "test": _on_test,
    "validation": _on_validation,
    "ties": _ties,
    "teacher": _teacher,
    "fold-in": fold_in_study,
    "second-stage": _second_stage,
}


def _cut(trial: Trial) -> tuple[Interactions, Interactions]:
    validation = trial.recipe.validation
    train = trial.dataset.train.compact()
    return cut_validation(train, validation.share, _SPLIT_SEED, validation.cut)


def _fit(trial: Trial) -> tuple[TrainedModel, Validator]:
    """Train on a part of the training pairs and validate on the others."""
    part, held_out = _cut(trial)
    model = fit_interactions(part, trial.recipe, trial.fit_options("validation"), held_out=held_out)
    if model.validator is None:
        raise StudyError("no pairs are held out to validate on")
    return model, model.validator
