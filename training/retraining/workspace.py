"""The folder that nights work in.

WORK/
  plan.json          which events a night that is under way counts, so that it can be gone on with
  nights/KEY/        its checkpoints and its log; KEY stands for all that it depends on
  warm-starts/SHA256.npz  embedding tables of each release, by the fingerprint of its pairs
  reports/           what each night has to say
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bitrecall.disk import disk_fault, replace_file
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.errors import TrainingError
from bitrecall.training.fitting.warm_start import WarmStartState
from bitrecall.training.retraining.report import ReportFolder

# After so long a night that broke off is another night, with what has come since.
_PLAN_SECONDS: Final = 12 * 3600


class Workspace:
    """What is kept of a night for its own resumption, and of all for the next.

    Args:
        path: the folder; it is made.

    Raises:
        TrainingError: it cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reports = ReportFolder(path / "reports")
        self._warm_starts = path / "warm-starts"
        self._nights = path / "nights"
        self._plan = path / "plan.json"
        try:
            for folder in (self._warm_starts, self._nights):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"cannot make {error.filename}: {error.strerror}") from error

    def until(self, parent: str | None, log_id: str, last: int) -> int:
        """The last event that counts: that of the run before where it broke off, else ``last``.

        Args:
            parent: id of the release that is served.
            log_id: id of the database that the events are in.
            last: the number of the last event there is.
        """
        try:
            said = json.loads(self._plan.read_text("utf-8"))
            fresh = abs(time.time() - said["at"]) < _PLAN_SECONDS
            if fresh and (said["parent"], said["log_id"]) == (parent, log_id):
                return min(int(said["until"]), last)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        plan = {"parent": parent, "log_id": log_id, "until": last, "at": time.time()}
        try:
            replace_file(self._plan, json.dumps(plan))
        except OSError as error:
            raise TrainingError(
                f"cannot write {self._plan}: {disk_fault(error, self.path)}"
            ) from error
        return last

    def night(self, depends_on: Iterable[str]) -> Path:
        """The folder of the checkpoints of a night, and of no other; those of others are removed.

        Raises TrainingError where it cannot be made.
        """
        key = hashlib.sha256("\0".join(depends_on).encode()).hexdigest()[:16]
        folder = self._nights / key
        for other in self._nights.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"cannot make the folder {folder}: {error.strerror}") from error
        return folder

    def clear_run(self) -> None:
        """Remove the plan and the checkpoints: the next night is another."""
        self._plan.unlink(missing_ok=True)
        for folder in self._nights.iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def warm_start_of(self, release: Release) -> WarmStartState | None:
        """How a release's training ended; None where that was not kept.

        Raises CheckpointError where it is damaged.
        """
        return WarmStartState.load(self._warm_start_file(release.manifest.data.sha256))

    def save_warm_start(self, end: WarmStartState) -> None:
        """Keep how a training ended. Raises CheckpointError where it cannot be written."""
        end.save(self._warm_start_file(end.origin))

    def remove_unused_warm_starts(self, store: ReleaseStore) -> None:
        """Remove the ends of trainings whose releases are gone."""
        kept = {
            self._warm_start_file(summary.manifest.data.sha256)
            for summary in store.list(verify=False)
            if summary.manifest is not None
        }
        for path in self._warm_starts.iterdir():
            if path not in kept:
                path.unlink(missing_ok=True)

    def _warm_start_file(self, sha256: str) -> Path:
        return self._warm_starts / f"{sha256[:16]}.npz"
