"""The report of a retraining run: a JSON file, and a page made from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bitrecall.disk import disk_fault, replace_file
from bitrecall.index.releases.retraining_status import EXIT_CODES, Outcome
from bitrecall.training.errors import TrainingError
from bitrecall.training.retraining.data_checks import Check, PastRun
from bitrecall.training.retraining.gate import Verdict

_KEEP_PAST: Final = 14


@dataclass
class Report:
    """The record of a retraining run.

    Attributes:
        started: ISO 8601 in UTC, to the second; names the report.
        outcome: outcome of the run.
        reason: the reason for the outcome, in one sentence.
        finished: as ``started``.
        parent: id of the release that was current.
        release: id of the published release.
        data: counts of the data, by name.
        checks: results of the data checks.
        training: for each phase its seconds, epochs, losses and start.
        verdict: the verdict of the gate.
        removed: ids of old releases that were removed.
        settings: all thresholds.
        recipe: all hyper-parameters of the release.
        trace: the traceback of an unexpected error; None without one.
    """

    started: str
    outcome: Outcome = Outcome.FAILED
    reason: str = ""
    finished: str = ""
    parent: str | None = None
    release: str | None = None
    data: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    training: dict[str, dict[str, Any]] = field(default_factory=dict)
    verdict: Verdict | None = None
    removed: list[str] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    trace: str | None = None

    @property
    def exit_code(self) -> int:
        """Exit code of the command."""
        return EXIT_CODES[self.outcome]

    def to_json(self) -> str:
        """Return the report as JSON, one key per attribute."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def now() -> str:
    """Return the current time, ISO 8601 in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class ReportFolder:
    """The reports of all runs of a store: ``STARTED.json`` and ``STARTED.html``.

    Args:
        path: the folder; created by the first write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, report: Report, page: str, keep: int) -> Path:
        """Write a report and its page, and remove the oldest beyond ``keep``.

        Returns:
            The page's file.

        Raises:
            TrainingError: they cannot be written.
        """
        name = report.started.replace(":", "").replace("-", "")
        html = self._path / f"{name}.html"
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            replace_file(html, page)
            replace_file(self._path / f"{name}.json", report.to_json())
            for old in self._names()[:-keep]:
                for suffix in (".json", ".html"):
                    (self._path / old).with_suffix(suffix).unlink(missing_ok=True)
        except OSError as error:
            raise TrainingError(
                f"cannot write the report {html}: {disk_fault(error, self._path)}"
            ) from error
        return html

    def all(self) -> list[dict[str, Any]]:
        """Read all reports, oldest first; unreadable ones are skipped."""
        reports = []
        for name in self._names():
            try:
                report = json.loads((self._path / name).with_suffix(".json").read_text("utf-8"))
            except (OSError, ValueError):
                continue
            if isinstance(report, dict):
                reports.append(report)
        return reports

    def past(self) -> list[PastRun]:
        """Return the data of the latest runs that passed the data checks, the latest last."""
        sound: Sequence[str] = (Outcome.PUBLISHED, Outcome.HELD_BACK, Outcome.WOULD_PUBLISH)
        runs = [run.get("data", {}) for run in self.all() if run.get("outcome") in sound]
        return [
            PastRun(_events_of(data), data.get("pairs_of_files")) for data in runs[-_KEEP_PAST:]
        ]

    def _names(self) -> list[str]:
        return sorted(path.stem for path in self._path.glob("*.json"))


def _events_of(data: dict[str, Any]) -> int:
    if data.get("read_from_start"):
        return 0
    return int(data.get("events", 0)) - int(data.get("events_over", 0))
