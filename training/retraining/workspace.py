"""The working folder of retraining runs.

WORK/
  plan.json               the events of an unfinished run, so that it can be resumed
  runs/KEY/               its checkpoints and log; KEY is a hash of all that it depends on
  warm-starts/SHA256.npz  embedding tables of each release, by the fingerprint of its pairs
  reports/                a report of each run
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

# An unfinished run older than this is not resumed; the next one reads all events.
_PLAN_SECONDS: Final = 12 * 3600


class Workspace:
    """Checkpoints of the current run, and warm starts and reports of all runs.

    Args:
        path: the folder; created if it does not exist.

    Raises:
        TrainingError: it cannot be made or written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.reports = ReportFolder(path / "reports")
        self._warm_starts = path / "warm-starts"
        self._runs = path / "runs"
        self._plan = path / "plan.json"
        try:
            for folder in (self._warm_starts, self._runs):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"cannot make {error.filename}: {error.strerror}") from error

    def until(self, parent: str | None, log_id: str, last: int) -> int:
        """Number of the last event to read: that of an unfinished run, else ``last``.

        Args:
            parent: id of the release that is served.
            log_id: id of the events database.
            last: number of the last event in the database.
        """
        try:
            plan = json.loads(self._plan.read_text("utf-8"))
            fresh = abs(time.time() - plan["at"]) < _PLAN_SECONDS
            if fresh and (plan["parent"], plan["log_id"]) == (parent, log_id):
                return min(int(plan["until"]), last)
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

    def run_folder(self, depends_on: Iterable[str]) -> Path:
        """The folder for the checkpoints of one run; folders of other runs are removed.

        Raises TrainingError if it cannot be created.
        """
        key = hashlib.sha256("\0".join(depends_on).encode()).hexdigest()[:16]
        folder = self._runs / key
        for other in self._runs.iterdir():
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"cannot make the folder {folder}: {error.strerror}") from error
        return folder

    def clear_run(self) -> None:
        """Remove the plan and the checkpoints: the next run starts over."""
        self._plan.unlink(missing_ok=True)
        for folder in self._runs.iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def warm_start_of(self, release: Release) -> WarmStartState | None:
        """Embedding tables of a release's training; None if they were not saved.

        Raises CheckpointError if the file is damaged.
        """
        return WarmStartState.load(self._warm_start_file(release.manifest.data.sha256))

    def save_warm_start(self, end: WarmStartState) -> None:
        """Save a training's embedding tables; CheckpointError if that fails."""
        end.save(self._warm_start_file(end.origin))

    def remove_unused_warm_starts(self, store: ReleaseStore) -> None:
        """Remove the warm starts of releases that no longer exist."""
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
