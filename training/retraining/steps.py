"""The steps of a retraining run: collect, check, train, compare, publish."""

from __future__ import annotations

import logging
import math
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from bitrecall.events.position import NOTHING_READ
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.manifest import Metrics
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.interactions import Interactions, iso_time
from bitrecall.training.errors import CheckpointError
from bitrecall.training.fitting.fit_loop import FitOptions
from bitrecall.training.fitting.warm_start import WarmStartState
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.retraining.candidate import (
    TrainedCandidate,
    cold_start_reason,
    recipe_without_validation,
    train,
    warm_recipe,
)
from bitrecall.training.retraining.data_checks import Check, check_attributes, check_data
from bitrecall.training.retraining.gate import Verdict, judge
from bitrecall.training.retraining.holdout import split_latest
from bitrecall.training.retraining.inputs import RetrainingInputs, as_counts, current_release, read
from bitrecall.training.retraining.item_attributes import (
    changed_attributes,
    count_described,
    table_of,
    with_attributes,
)
from bitrecall.training.retraining.memory_budget import check_memory
from bitrecall.training.retraining.publisher import Publisher
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.retraining_data import RetrainingData
from bitrecall.training.retraining.settings import PREFIX, RetrainingSettings
from bitrecall.training.retraining.workspace import Workspace
from bitrecall.training.runtime.training_log import TrainingLog

# Share of the time limit that training the candidate may take; the rest is for the release.
_SHARE_OF_CANDIDATE: Final = 0.6

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetrainingOptions:
    """Options of a run.

    Attributes:
        work: folder for checkpoints, warm starts and reports.
        device: a torch device.
        progress_bar: show bars on stderr; None shows them only if stderr is a terminal.
        from_scratch: never start warm.
        dry_run: stop before publishing.
    """

    work: Path
    device: str = "cpu"
    progress_bar: bool | None = None
    from_scratch: bool = False
    dry_run: bool = False


class RetrainingRun:
    """One retraining run, which records its course in ``report``.

    If it is interrupted or killed, the next run resumes from its checkpoints unless a release was
    published in between, and removes what it left incomplete.
    """

    def __init__(
        self,
        store: ReleaseStore,
        recipe: Recipe,
        settings: RetrainingSettings,
        sources: RetrainingInputs,
        options: RetrainingOptions,
        workspace: Workspace,
        report: Report,
    ) -> None:
        self._store = store
        self._recipe = recipe
        self._settings = settings
        self._sources = sources
        self._options = options
        self._workspace = workspace
        self._report = report
        self._started = time.monotonic()

    def run(self) -> None:
        """Run all steps; the caller holds the lock."""
        current = self._store.current_id()
        parent = current_release(self._store)
        self._report.parent = None if parent is None else parent.id
        data = read(self._sources, parent, self._workspace, self._settings.max_user_events)
        self._report.data = as_counts(data)
        train_pairs, held_out = split_latest(data, self._settings.gate_share, self._recipe.seed)
        publisher = Publisher(self._store, self._workspace, self._settings, self._report, current)
        decision = self._too_few_pairs(data)
        if decision is not None and parent is not None:
            # A changed item table is published even without new pairs.
            decision = self._publish_items(publisher, parent, decision[1]) or decision
        # Faulty data may leave too few users; then the fault is the reason to report.
        decision = decision or self._failed_checks(data, parent) or self._too_few_users(held_out)
        if decision is None and self._sources.items is not None:
            # A faulty item table is refused before training.
            for warning in self._sources.items.check_against(data.pairs.item_ids):
                _log.warning("%s", warning)
        if decision is None:
            decision = self._train_and_publish(publisher, parent, data, train_pairs, held_out)
        self._report.outcome, self._report.reason = decision
        if self._report.outcome is not Outcome.WOULD_PUBLISH:
            self._workspace.clear_run()

    def _too_few_pairs(self, data: RetrainingData) -> tuple[Outcome, str] | None:
        new, minimum = int(data.judged.sum()), self._settings.min_pairs
        if new < minimum:
            return Outcome.NO_NEW_DATA, f"{new:,} new pairs, fewer than the minimum of {minimum:,}"
        return None

    def _too_few_users(self, held_out: Interactions) -> tuple[Outcome, str] | None:
        users, minimum = int((held_out.user_degrees > 0).sum()), self._settings.gate_min_users
        if users < minimum:
            return (
                Outcome.NO_NEW_DATA,
                f"{users:,} users to evaluate on, fewer than the minimum of {minimum:,}",
            )
        return None

    def _failed_checks(
        self, data: RetrainingData, parent: Release | None
    ) -> tuple[Outcome, str] | None:
        checks = check_data(data, parent, self._workspace.reports.past(), self._settings)
        if parent is not None and self._sources.items is not None:
            checks.append(self._attributes_check(parent))
        self._report.checks = checks
        failed = [
            f"{check.name}: {check.says} ({PREFIX}{check.setting.upper()} is {check.bound:g})"
            for check in checks
            if not check.passed
        ]
        if failed:
            return Outcome.REFUSED, f"a check of the data failed: {'; '.join(failed)}"
        return None

    def _attributes_check(self, parent: Release) -> Check:
        """Check that the item table still describes most of the items that the parent's did."""
        before, items = table_of(parent), self._sources.items
        return check_attributes(
            0 if items is None else count_described(items),
            0 if before is None else count_described(before),
            self._settings,
        )

    def _publish_items(
        self, publisher: Publisher, parent: Release, waiting: str
    ) -> tuple[Outcome, str] | None:
        """Publish the parent's codes with the item table, if it has changed."""
        if self._sources.items is None:
            return None
        attributes = changed_attributes(parent, self._sources.items)
        if attributes is None:
            return None
        check = self._attributes_check(parent)
        self._report.checks = [check]
        if not check.passed:
            return Outcome.REFUSED, f"{check.name}: {check.says}"
        reason = f"the item table has changed; codes are those of {parent.id} ({waiting})"
        if self._options.dry_run:
            return Outcome.WOULD_PUBLISH, reason
        contents = with_attributes(parent, attributes)
        return publisher.publish(contents, parent.manifest.metrics, reason)

    def _train_and_publish(
        self,
        publisher: Publisher,
        parent: Release | None,
        data: RetrainingData,
        train_pairs: Interactions,
        held_out: Interactions,
    ) -> tuple[Outcome, str]:
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
        verdict = self._compare(parent, candidate, train_pairs, held_out, folder)
        if not verdict.passed:
            return Outcome.REFUSED, verdict.says
        if self._options.dry_run:
            return Outcome.WOULD_PUBLISH, verdict.says
        final = self._train(data.pairs, candidate.model.warm_start_state(), "release", folder)
        # Saved before the release is published, so that every release can be started from.
        self._workspace.save_warm_start(final.model.warm_start_state())
        metrics: Metrics = {
            "split": "latest pairs",
            "users": verdict.users,
            **verdict.candidate,
        }
        return publisher.publish(self._contents(final, parent, data), metrics, verdict.says)

    def _warm_start(self, parent: Release | None, pairs: Interactions) -> WarmStartState | None:
        """What the candidate starts from; None, with the reason in the report, from scratch."""
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
        self, pairs: Interactions, start: WarmStartState | None, phase: str, folder: Path
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

    def _compare(
        self,
        parent: Release | None,
        candidate: TrainedCandidate,
        train_pairs: Interactions,
        held_out: Interactions,
        folder: Path,
    ) -> Verdict:
        """Publish the candidate to a temporary store, and compare it with the parent."""
        temporary = ReleaseStore(folder / "candidate")
        try:
            release = temporary.publish(candidate.contents(None, NOTHING_READ), activate=False)
            verdict = judge(
                parent, release, train_pairs, held_out, self._settings, self._recipe.seed
            )
        finally:
            shutil.rmtree(temporary.root, ignore_errors=True)
        self._report.verdict = verdict
        return verdict

    def _contents(
        self, final: TrainedCandidate, parent: Release | None, data: RetrainingData
    ) -> ReleaseContents:
        items = self._sources.items
        if items is None and parent is not None:
            items = table_of(parent)
        contents = final.contents(items, data.position)
        moments = data.moments[~np.isnan(data.moments)]
        if not len(moments):
            return contents
        first, last = iso_time(moments.min()), iso_time(moments.max())
        return replace(contents, data=replace(contents.data, first_time=first, last_time=last))
