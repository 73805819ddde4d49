"""The steps of a retraining run: collect, check, train, compare, publish."""

from __future__ import annotations

import logging

from bitrecall.index.releases.release import Release
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.retraining.data_checks import Check, check_attributes, check_data
from bitrecall.training.retraining.holdout import split_latest
from bitrecall.training.retraining.inputs import RetrainingInputs, as_counts, current_release, read
from bitrecall.training.retraining.item_attributes import (
    changed_attributes,
    count_described,
    table_of,
    with_attributes,
)
from bitrecall.training.retraining.publisher import Publisher
from bitrecall.training.retraining.release_training import ReleaseTraining
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.retraining_data import RetrainingData
from bitrecall.training.retraining.run_options import RetrainingOptions
from bitrecall.training.retraining.settings import PREFIX, RetrainingSettings
from bitrecall.training.retraining.workspace import Workspace

_log = logging.getLogger(__name__)


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
        self._training = ReleaseTraining(
            recipe, settings, sources.items, options, workspace, report
        )

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
            decision = self._training.train_and_publish(
                publisher, parent, data, train_pairs, held_out
            )
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
