"""Publishes the release of a retraining run, and removes old ones."""

from __future__ import annotations

import logging

from bitrecall.errors import BitrecallError
from bitrecall.index.releases.contents import ReleaseContents
from bitrecall.index.releases.manifest import Metrics
from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.settings import RetrainingSettings
from bitrecall.training.retraining.workspace import Workspace

_log = logging.getLogger(__name__)


class Publisher:
    """Publishes into a store, unless another release was activated since the run started.

    Args:
        store: the releases.
        workspace: its unused warm starts are removed together with old releases.
        settings: how many releases to keep.
        report: records the release and the removed ones.
        current: id of the release that was served when the run started; None if there was none.
    """

    def __init__(
        self,
        store: ReleaseStore,
        workspace: Workspace,
        settings: RetrainingSettings,
        report: Report,
        current: str | None,
    ) -> None:
        self._store = store
        self._workspace = workspace
        self._settings = settings
        self._report = report
        self._current = current

    def publish(
        self, contents: ReleaseContents, metrics: Metrics, reason: str
    ) -> tuple[Outcome, str]:
        """Publish a release and activate it, unless another one was activated meanwhile.

        Returns:
            Published with ``reason``, or held back with the id of the other release.
        """
        release = self._store.publish(contents, measure=lambda _: metrics, instead_of=self._current)
        self._report.release = release.id
        self._remove_old()
        current = self._store.current_id()
        if current == release.id:
            return Outcome.PUBLISHED, reason
        return (
            Outcome.HELD_BACK,
            f"{current} was activated meanwhile; {release.id} is published, but not activated",
        )

    def _remove_old(self) -> None:
        """Remove old releases; the new one stays published if that fails."""
        try:
            self._report.removed = self._store.prune(self._settings.keep)
            self._workspace.remove_unused_warm_starts(self._store)
        except (BitrecallError, OSError) as error:
            _log.warning("old releases could not be removed: %s", error)
