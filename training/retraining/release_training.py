"""Trains the candidate of a retraining run, and the release if the candidate passes the gate."""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from bitrecall.events.position import NOTHING_READ
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.manifest import Metrics
from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.interactions import Interactions, iso_time
from bitrecall.training.data.items.item_table import ItemTable
from bitrecall.training.errors import CheckpointError
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.warm_start import WarmStartState
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.repeats.past_counts import seen_in_order
from bitrecall.training.retraining.candidate import (
    TrainedCandidate,
    cold_start_reason,
    recipe_without_validation,
    train,
    warm_recipe,
)
from bitrecall.training.retraining.first_recency import first_recency
from bitrecall.training.retraining.gate import Verdict, judge
from bitrecall.training.retraining.item_attributes import table_of
from bitrecall.training.retraining.memory_budget import check_memory
from bitrecall.training.retraining.publisher import Publisher
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.retraining_data import RetrainingData
from bitrecall.training.retraining.run_options import RetrainingOptions
from bitrecall.training.retraining.settings import RetrainingSettings
from bitrecall.training.retraining.workspace import Workspace
from bitrecall.training.runtime.training_log import TrainingLog

# Share of the time limit that training the candidate may take; the rest is for the release.
_SHARE_OF_CANDIDATE: Final = 0.6


class ReleaseTraining:
    """The trainings of a retraining run: a candidate, then the release.

    Its time limit starts when it is created.

    Args:
        recipe: the recipe; a warm start shortens it.
        settings: limits and epochs of the run.
        items: the item table; None keeps the attributes of the parent.
        options: device, progress bars, and whether to start from scratch or to publish nothing.
        workspace: checkpoints and warm starts.
        report: records the trainings and the verdict.
    """

    def __init__(
        self,
        recipe: Recipe,
        settings: RetrainingSettings,
        items: ItemTable | None,
        options: RetrainingOptions,
        workspace: Workspace,
        report: Report,
    ) -> None:
        self._recipe = recipe
        self._settings = settings
        self._items = items
        self._options = options
        self._workspace = workspace
        self._report = report
        self._started = time.monotonic()

    def train_and_publish(
        self,
        publisher: Publisher,
        parent: Release | None,
        data: RetrainingData,
        train_pairs: Interactions,
        held_out: Interactions,
    ) -> tuple[Outcome, str]:
        """Train a candidate; if the gate passes it, train on all pairs and publish that release.

        Args:
            publisher: publishes the release.
            parent: the current release; None before the first.
            data: all pairs; the release is trained on them.
            train_pairs: the candidate is trained on them.
            held_out: pairs to judge the candidate on.

        Returns:
            The outcome of the run, and its reason.
        """
        folder = self._workspace.run_folder(
            [
                "" if parent is None else parent.id,
                data.pairs.sha256(),
                self._recipe.sha256(),
                self._settings.model_dump_json(),
                str(self._options.from_scratch),
            ]
        )
        start = self._warm_start(parent, train_pairs)
        candidate = self._train(train_pairs, start, "candidate", folder)
        recency = self._recency(parent, candidate, data, held_out)
        contents = candidate.contents(None, NOTHING_READ, recency)
        verdict = self._judge_in_temporary_store(parent, contents, train_pairs, held_out, folder)
        if not verdict.passed:
            return Outcome.REFUSED, verdict.says
        if self._options.dry_run:
            return Outcome.WOULD_PUBLISH, verdict.says
        model = candidate.model
        final = self._train(data.pairs, model.warm_start_state(), "release", folder)
        # Saved before the release is published, so that every release can be started from.
        self._workspace.save_warm_start(final.model.warm_start_state())
        metrics: Metrics = {
            "split": "latest pairs",
            "users": verdict.users,
            **verdict.candidate,
        }
        contents = self._contents(final, parent, data, recency)
        return publisher.publish(contents, metrics, verdict.says)

    def _recency(
        self,
        parent: Release | None,
        candidate: TrainedCandidate,
        data: RetrainingData,
        held_out: Interactions,
    ) -> Recency | None:
        """Return the parent's recency; without a parent, choose one with the held-out pairs."""
        if parent is not None:
            return parent.recency
        return first_recency(candidate.model, data, held_out, candidate.recipe)

    def _warm_start(self, parent: Release | None, pairs: Interactions) -> WarmStartState | None:
        """Return the state to start the candidate from; None starts from scratch.

        Records the reason for starting from scratch in the report.
        """
        state: WarmStartState | None = None
        reason: str | None = "requested by --from-scratch"
        if not self._options.from_scratch:
            try:
                state = None if parent is None else self._workspace.warm_start_of(parent)
                reason = cold_start_reason(state, pairs, self._recipe, self._settings)
            except CheckpointError as error:
                reason = str(error)
        self._report.training["candidate"] = {"from_scratch_because": reason}
        return None if reason else state

    def _train(
        self,
        pairs: Interactions,
        start: WarmStartState | None,
        phase: str,
        folder: Path,
    ) -> TrainedCandidate:
        warm = start is not None
        recipe = (
            warm_recipe(self._recipe, self._settings)
            if warm
            else recipe_without_validation(self._recipe)
        )
        check_memory(pairs.n_users, pairs.n_items, recipe, self._settings.memory_mib)
        options = FitOptions(
            device=self._options.device,
            checkpoint=folder / f"{phase}.npz",
            log=TrainingLog(folder / "log.jsonl"),
            progress_bar=self._options.progress_bar,
            phase=phase,
            deadline=self._deadline(phase),
        )
        trained = train(pairs, recipe, start, options)
        self._report.training.setdefault(phase, {}).update(trained.as_counts())
        self._report.recipe = recipe.model_dump(mode="json")
        return trained

    def _deadline(self, phase: str) -> float:
        if self._settings.minutes is None:
            return math.inf
        share = _SHARE_OF_CANDIDATE if phase == "candidate" else 1.0
        return self._started + 60 * self._settings.minutes * share

    def _judge_in_temporary_store(
        self,
        parent: Release | None,
        contents: ReleaseContents,
        train_pairs: Interactions,
        held_out: Interactions,
        folder: Path,
    ) -> Verdict:
        """Publish the candidate to a temporary store, judge it there, and remove the store."""
        temporary = ReleaseStore(folder / "candidate")
        try:
            release = temporary.publish(contents, activate=False)
            verdict = judge(
                parent, release, train_pairs, held_out, self._settings, self._recipe.seed
            )
        finally:
            shutil.rmtree(temporary.root, ignore_errors=True)
        self._report.verdict = verdict
        return verdict

    def _contents(
        self,
        final: TrainedCandidate,
        parent: Release | None,
        data: RetrainingData,
        recency: Recency | None,
    ) -> ReleaseContents:
        items = self._items
        if items is None and parent is not None:
            items = table_of(parent)
        repeats = seen_in_order(data.repeats, data.pairs, final.model.item_order)
        contents = final.contents(items, data.position, recency, repeats)
        moments = data.moments[~np.isnan(data.moments)]
        if not len(moments):
            return contents
        first, last = iso_time(moments.min()), iso_time(moments.max())
        return replace(contents, data=replace(contents.data, first_time=first, last_time=last))
