"""Training the codes of a retraining run: a warm start if possible, else from scratch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from bitrecall.events.position import LogPosition
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.recency import Recency
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.items.item_table import ItemTable
from bitrecall.training.export import SeenRepeats, release_contents
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import TrainedModel, fit_interactions
from bitrecall.training.fitting.warm_start import WarmStartState
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.retraining.settings import RetrainingSettings


@dataclass(frozen=True, eq=False)
class TrainedCandidate:
    """A trained model, and the training that led to it.

    Attributes:
        recipe: as it was trained.
        model: embeddings in the rows of a release, and where the training started.
        seconds: duration of the training in this sitting.
    """

    recipe: Recipe
    model: TrainedModel
    seconds: float

    def as_counts(self) -> dict[str, Any]:
        """The course of the training, for the report."""
        warm = self.model.warm_start
        return {
            "warm": warm is not None,
            "new_users": None if warm is None else warm.new_users,
            "new_items": None if warm is None else warm.new_items,
            "epochs": self.model.fit.epochs,
            "epochs_wanted": self.recipe.fit.epochs_to_run,
            "seconds": round(self.seconds, 1),
            "losses": [record["loss"] for record in self.model.fit.progress.history],
        }

    def contents(
        self,
        items: ItemTable | None,
        position: LogPosition,
        recency: Recency | None,
        repeats: SeenRepeats | None = None,
    ) -> ReleaseContents:
        """The contents of a release of these codes."""
        warm = self.model.warm_start
        return release_contents(
            self.model.embeddings,
            self.model.train,
            self.recipe,
            items=items,
            position=position,
            recorded={
                "epochs_trained": self.model.fit.epochs,
                "started_from": "scratch" if warm is None else warm.origin,
            },
            recency=recency,
            repeats=repeats,
        )


def recipe_without_validation(recipe: Recipe) -> Recipe:
    """The recipe without a validation split: the gate of the retraining run judges instead."""
    validation = recipe.validation.model_copy(update={"share": 0.0})
    return recipe.model_copy(update={"validation": validation})


def warm_recipe(recipe: Recipe, settings: RetrainingSettings) -> Recipe:
    """The recipe of a warm start: fewer epochs, a smaller learning rate."""
    base = recipe_without_validation(recipe)
    fit = base.fit.model_copy(
        update={
            "epochs": min(settings.warm_epochs, base.fit.epochs or settings.warm_epochs),
            "stop_after": None,
            "learning_rate": min(settings.warm_learning_rate, base.fit.learning_rate),
        }
    )
    lightgcn = base.teacher.lightgcn.model_copy(
        update={"epochs": min(settings.warm_teacher_epochs, base.teacher.lightgcn.epochs)}
    )
    teacher = base.teacher.model_copy(update={"lightgcn": lightgcn})
    return base.model_copy(update={"fit": fit, "teacher": teacher})


def train(
    pairs: Interactions,
    recipe: Recipe,
    start: WarmStartState | None,
    options: FitOptions,
) -> TrainedCandidate:
    """Train on pairs, resuming from a checkpoint of the same training if there is one.

    Args:
        pairs: what to train on; ids without a pair are left out.
        recipe: ``recipe_without_validation`` or ``warm_recipe``.
        start: what to start from; None starts from scratch.
        options: the checkpoint, the log and the deadline.

    Raises:
        InterruptedTraining: by a signal; the same call resumes.
        DivergedError: the loss is no longer a finite number.
        CheckpointError: a checkpoint is damaged or of another training, or cannot be written.
    """
    started = time.monotonic()
    model = fit_interactions(pairs.compact(), recipe, options, start=start)
    return TrainedCandidate(recipe, model, time.monotonic() - started)


def cold_start_reason(
    end: WarmStartState | None, pairs: Interactions, recipe: Recipe, settings: RetrainingSettings
) -> str | None:
    """Return why a training on these pairs must start from scratch; None if it can start warm.

    Args:
        end: embedding tables of the parent's training; None if they were not saved.
        pairs: the training pairs.
        recipe: the recipe of this run.
        settings: the maximum share of new users and items.
    """
    if end is None:
        return "the embedding tables of the parent's training are missing"
    codes = end.free.get("codes")
    if codes is None or codes.users.shape[1] != recipe.bits:
        return f"the parent's codes do not have {recipe.bits} bits"
    teacher, lightgcn = end.free.get("teacher"), recipe.teacher.lightgcn
    blended = recipe.teacher.kind != "learned" and lightgcn.weight > 0
    if (teacher is None and blended) or (
        teacher is not None and teacher.users.shape[1] != lightgcn.dimensions
    ):
        return f"the parent's teacher had no LightGCN of {lightgcn.dimensions} dimensions"
    compact = pairs.compact()
    for whose, old, now in (
        ("users", end.user_ids, compact.user_ids),
        ("items", end.item_ids, compact.item_ids),
    ):
        new = len(set(now).difference(old)) / max(len(now), 1)
        if new > settings.max_new_share:
            return f"{new:.0%} of the {whose} are new, more than {settings.max_new_share:.0%}"
    return None
