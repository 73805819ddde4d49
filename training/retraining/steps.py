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

from bitrecall.errors import BitrecallError
from bitrecall.events.position import NOTHING_READ
from bitrecall.index.releases.manifest import Metrics
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.interactions import Interactions, iso_time
from bitrecall.training.data.items.item_table import ItemTable
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
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.retraining_data import RetrainingData
from bitrecall.training.retraining.settings import PREFIX, RetrainingSettings
from bitrecall.training.retraining.workspace import Workspace
from bitrecall.training.runtime.training_log import TrainingLog

# Of the time that a night has, what the candidate may take; the rest is for the release.
_SHARE_OF_CANDIDATE: Final = 0.6

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetrainingOptions:
    """How a night is run.

    Attributes:
        work: folder of its checkpoints, of what the next one goes on from, and of the reports.
        device: a torch device.
        progress_bar: show bars on stderr; None shows them only where stderr is a terminal.
        from_scratch: never start warm.
        dry_run: stop before anything is published.
    """

    work: Path
    device: str = "cpu"
    progress_bar: bool | None = None
    from_scratch: bool = False
    dry_run: bool = False


class RetrainingRun:
    """One run of retraining; what it does is said in ``report`` as it goes.

    Interrupted or killed at any moment, the next one goes on from its checkpoints as long as
    nothing was published in between; what it left half done is removed.
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
        """Do it, with the lock held."""
        current = self._store.current_id()
        parent = current_release(self._store)
        self._report.parent = None if parent is None else parent.id
        data = read(self._sources, parent, self._workspace, self._settings.max_user_events)
        self._report.data = as_counts(data)
        taken, held_out = split_latest(data, self._settings.gate_share, self._recipe.seed)
        # Data that are not as they should be may leave too few users: then that is the reason.
        ended = self._too_few_pairs(data)
        if ended is not None and parent is not None:
            # New data are waited for; a new table of items is not.
            ended = self._with_new_items(current, parent, ended[1]) or ended
        ended = ended or self._unsound(data, parent) or self._too_few_users(held_out)
        if ended is None and self._sources.items is not None:
            # Whatever can fail of a table of items fails before the training.
            for warning in self._sources.items.check_against(data.pairs.item_ids):
                _log.warning("%s", warning)
        if ended is None:
            ended = self._trained(current, parent, data, taken, held_out)
        self._report.outcome, self._report.reason = ended
        if self._report.outcome is not Outcome.WOULD_PUBLISH:
            self._workspace.clear_run()

    def _too_few_pairs(self, data: RetrainingData) -> tuple[Outcome, str] | None:
        new, least = int(data.judged.sum()), self._settings.min_pairs
        if new < least:
            return Outcome.NO_NEW_DATA, f"{new:,} new pairs have come, {least:,} are waited for"
        return None

    def _too_few_users(self, held_out: Interactions) -> tuple[Outcome, str] | None:
        users, least = int((held_out.user_degrees > 0).sum()), self._settings.gate_min_users
        if users < least:
            return (
                Outcome.NO_NEW_DATA,
                f"the latest pairs are of {users:,} users, and {least:,} are waited for to judge "
                "by",
            )
        return None

    def _unsound(self, data: RetrainingData, parent: Release | None) -> tuple[Outcome, str] | None:
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
            return Outcome.REFUSED, f"the data are not as they should be. {'; '.join(failed)}"
        return None

    def _attributes_check(self, parent: Release) -> Check:
        """Whether the given table of items still has what the parent's had."""
        before, items = table_of(parent), self._sources.items
        described = 0 if before is None else count_described(before)
        known = 0 if items is None else count_described(items)
        return check_attributes(known, described, self._settings)

    def _trained(
        self,
        current: str | None,
        parent: Release | None,
        data: RetrainingData,
        taken: Interactions,
        held_out: Interactions,
    ) -> tuple[Outcome, str]:
        folder = self._workspace.night(
            [
                "" if parent is None else parent.id,
                data.pairs.sha256(),
                self._recipe.sha256(),
                self._settings.model_dump_json(),
                str(self._options.from_scratch),
            ]
        )
        candidate = self._train(taken, self._start(parent, taken), "candidate", folder)
        verdict = self._judge(parent, candidate, taken, held_out, folder)
        if not verdict.passed:
            return Outcome.REFUSED, verdict.says
        if self._options.dry_run:
            return Outcome.WOULD_PUBLISH, verdict.says
        final = self._train(data.pairs, candidate.model.warm_start_state(), "release", folder)
        return self._publish(current, parent, final, data, verdict)

    def _start(self, parent: Release | None, pairs: Interactions) -> WarmStartState | None:
        """What the candidate starts from; None, and why in the report, where it starts anew."""
        end: WarmStartState | None = None
        why: str | None = "it was asked for"
        if not self._options.from_scratch:
            try:
                end = None if parent is None else self._workspace.warm_start_of(parent)
                why = cold_start_reason(end, pairs, self._recipe, self._settings)
            except CheckpointError as error:
                why = str(error)
        self._report.training["candidate"] = {"from_scratch_because": why}
        return None if why else end

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

    def _judge(
        self,
        parent: Release | None,
        candidate: TrainedCandidate,
        taken: Interactions,
        held_out: Interactions,
        folder: Path,
    ) -> Verdict:
        """Publish the candidate where nobody looks, and ask it and the parent."""
        aside = ReleaseStore(folder / "candidate")
        try:
            release = aside.publish(candidate.contents(None, NOTHING_READ), activate=False)
            verdict = judge(parent, release, taken, held_out, self._settings, self._recipe.seed)
        finally:
            shutil.rmtree(aside.root, ignore_errors=True)
        self._report.verdict = verdict
        return verdict

    def _publish(
        self,
        current: str | None,
        parent: Release | None,
        final: TrainedCandidate,
        data: RetrainingData,
        verdict: Verdict,
    ) -> tuple[Outcome, str]:
        contents = final.contents(self._items(parent), data.position)
        known = data.moments[~np.isnan(data.moments)]
        if len(known):
            first, last = iso_time(known.min()), iso_time(known.max())
            contents = replace(
                contents, data=replace(contents.data, first_time=first, last_time=last)
            )
        # Before the release, so that there is none which cannot be gone on from.
        self._workspace.save_warm_start(final.model.warm_start_state())
        metrics: Metrics = {
            "split": "latest pairs of the night",
            "users": verdict.users,
            **verdict.candidate,
        }
        release = self._store.publish(contents, measure=lambda _: metrics, instead_of=current)
        return self._published(release, verdict.says)

    def _with_new_items(
        self, current: str | None, parent: Release, waiting: str
    ) -> tuple[Outcome, str] | None:
        """Publish the parent's codes with a table of items that says something else; else None."""
        if self._sources.items is None:
            return None
        attributes = changed_attributes(parent, self._sources.items)
        if attributes is None:
            return None
        check = self._attributes_check(parent)
        self._report.checks = [check]
        if not check.passed:
            return Outcome.REFUSED, f"{check.name}: {check.says}"
        says = f"the item table has changed; codes are those of {parent.id}, since {waiting}"
        if self._options.dry_run:
            return Outcome.WOULD_PUBLISH, says
        metrics = parent.manifest.metrics
        contents = with_attributes(parent, attributes)
        release = self._store.publish(contents, measure=lambda _: metrics, instead_of=current)
        return self._published(release, says)

    def _published(self, release: Release, says: str) -> tuple[Outcome, str]:
        """Whether a release that was published is current now."""
        self._report.release = release.id
        self._tidy_up()
        now_current = self._store.current_id()
        if now_current == release.id:
            return Outcome.PUBLISHED, says
        return (
            Outcome.HELD_BACK,
            f"{now_current} was activated meanwhile; {release.id} is published, and waits to be",
        )

    def _tidy_up(self) -> None:
        """Remove what is old; the release is published, whether or not that works."""
        try:
            self._report.removed = self._store.prune(self._settings.keep)
            self._workspace.remove_unused_warm_starts(self._store)
        except (BitrecallError, OSError) as error:
            _log.warning("what is old could not be removed: %s", error)

    def _items(self, parent: Release | None) -> ItemTable | None:
        if self._sources.items is not None or parent is None:
            return self._sources.items
        return table_of(parent)
