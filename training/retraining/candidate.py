"""Training a night's codes: warm where the parent's training can be gone on from, else anew."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitrecall.events.position import LogPosition
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.items.item_table import ItemTable
from bitrecall.training.export import release_contents
from bitrecall.training.fitting.fit_loop import FitLoop, FitOptions, FitResult
from bitrecall.training.fitting.warm_start import WarmStart, WarmStartState
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.retraining.settings import RetrainingSettings
from bitrecall.training.runtime.interrupt import stop_on_signals
from bitrecall.training.runtime.training_log import TrainingLog


@dataclass(frozen=True)
class FittingOptions:
    """How a night is trained, none of which changes its result but the deadline.

    Attributes:
        folder: of checkpoints and the log.
        device: a torch device.
        progress_bar: show bars on stderr; None shows them only where stderr is a terminal.
    """

    folder: Path
    device: str = "cpu"
    progress_bar: bool | None = None


@dataclass(frozen=True, eq=False)
class Trained:
    """Codes, and what it took.

    Attributes:
        pairs: what was trained on, over the ids that have one.
        recipe: as it was trained.
        fitted: embeddings in the rows of ``pairs``.
        warm: where it started; None where it started anew.
        seconds: from its start to its end in this sitting.
    """

    pairs: Interactions
    recipe: Recipe
    fitted: FitResult
    warm: WarmStart | None
    seconds: float

    def end(self) -> WarmStartState:
        """What a later training can go on from."""
        origin = self.pairs.sha256()
        return WarmStartState(origin, self.pairs.user_ids, self.pairs.item_ids, self.fitted.free)

    def as_counts(self) -> dict[str, Any]:
        """How it went, for the report."""
        return {
            "warm": self.warm is not None,
            "new_users": None if self.warm is None else self.warm.new_users,
            "new_items": None if self.warm is None else self.warm.new_items,
            "epochs": self.fitted.epochs,
            "epochs_wanted": epochs_of(self.recipe),
            "seconds": round(self.seconds, 1),
            "losses": [record["loss"] for record in self.fitted.progress.history],
        }

    def contents(self, items: ItemTable | None, position: LogPosition) -> ReleaseContents:
        """A release of these codes."""
        return release_contents(
            self.fitted.embeddings,
            self.pairs,
            self.recipe,
            items=items,
            position=position,
            recorded={
                "epochs_trained": self.fitted.epochs,
                "started_from": "scratch" if self.warm is None else self.warm.origin,
            },
        )


def recipe_without_validation(recipe: Recipe) -> Recipe:
    """The recipe with nothing held out of its own: the gate of the night judges instead."""
    validation = recipe.validation.model_copy(update={"share": 0.0})
    return recipe.model_copy(update={"validation": validation})


def warm_recipe(recipe: Recipe, settings: RetrainingSettings) -> Recipe:
    """The recipe of a training that starts warm: shorter, at a smaller rate."""
    whole = recipe_without_validation(recipe)
    fit = whole.fit.model_copy(
        update={
            "epochs": min(settings.warm_epochs, whole.fit.epochs),
            "stop_after": None,
            "learning_rate": min(settings.warm_learning_rate, whole.fit.learning_rate),
        }
    )
    lightgcn = whole.teacher.lightgcn.model_copy(
        update={"epochs": min(settings.warm_teacher_epochs, whole.teacher.lightgcn.epochs)}
    )
    teacher = whole.teacher.model_copy(update={"lightgcn": lightgcn})
    return whole.model_copy(update={"fit": fit, "teacher": teacher})


def epochs_of(recipe: Recipe) -> int:
    """How many epochs a training of the recipe has."""
    return recipe.fit.stop_after or recipe.fit.epochs


def train(
    pairs: Interactions,
    recipe: Recipe,
    start: WarmStartState | None,
    phase: str,
    options: FittingOptions,
    deadline: float = math.inf,
) -> Trained:
    """Train on pairs, going on from a checkpoint of the same training where there is one.

    Args:
        pairs: what to train on; ids without a pair are left out.
        recipe: ``recipe_without_validation`` or ``warm_recipe``.
        start: what to start from; None starts anew.
        phase: names the checkpoint, and the training in the log.
        options: where files go.
        deadline: the moment, of ``time.monotonic``, after which no other epoch is begun.

    Raises:
        InterruptedTraining: by a signal; the same call goes on.
        DivergedError: the loss is no longer a number.
        CheckpointError: a checkpoint is damaged or of another training, or cannot be written.
    """
    began = time.monotonic()
    own = pairs.compact()
    order = popularity_order(own)
    ordered = reorder_items(own, order)
    warm = None if start is None else start.start(ordered)
    log = TrainingLog(options.folder / "log.jsonl")
    fit = FitLoop(
        ordered,
        recipe,
        epochs=epochs_of(recipe),
        options=FitOptions(
            device=options.device,
            checkpoint=checkpoint(options.folder, phase),
            log=log,
            progress_bar=options.progress_bar,
            phase=phase,
            deadline=deadline,
        ),
        warm=warm,
    )
    if fit.resumed:
        log.write("resumed", phase=phase, epochs_done=len(fit.progress.history))
    with stop_on_signals() as stop:
        fitted = fit.run(stop).in_rows_of(order)
    return Trained(own, recipe, fitted, warm, time.monotonic() - began)


def checkpoint(folder: Path, phase: str) -> Path:
    """The file of a phase's checkpoint."""
    return folder / f"{phase}.npz"


def cold_start_reason(
    end: WarmStartState | None, pairs: Interactions, recipe: Recipe, settings: RetrainingSettings
) -> str | None:
    """Why a training on these pairs has to start anew; None where it can start warm.

    Args:
        end: of the parent's training, where it was found.
        pairs: what will be trained on.
        recipe: of this night.
        settings: how much may be new.
    """
    if end is None:
        return "nothing of the parent's training is left to go on from"
    codes = end.free.get("codes")
    if codes is None or codes.users.shape[1] != recipe.bits:
        return f"the parent's training was not of {recipe.bits} bits"
    teacher, wanted = end.free.get("teacher"), recipe.teacher.lightgcn
    if wanted.weight and (teacher is None or teacher.users.shape[1] != wanted.dimensions):
        return f"the parent's teacher had no LightGCN of {wanted.dimensions} dimensions"
    own = pairs.compact()
    for whose, old, now in (
        ("users", end.user_ids, own.user_ids),
        ("items", end.item_ids, own.item_ids),
    ):
        new = len(set(now).difference(old)) / max(len(now), 1)
        if new > settings.max_new_share:
            return f"{new:.0%} of the {whose} are new, more than {settings.max_new_share:.0%}"
    return None
