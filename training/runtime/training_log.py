"""The training log: one JSON object per line, one line per event."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bitrecall.disk import disk_fault
from bitrecall.training.errors import TrainingError


class TrainingLog:
    """Appends events to a JSON-lines file; each has ``event`` and ``time`` (UTC, ISO 8601).

    Args:
        path: the file; None logs nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def write(self, event: str, **values: Any) -> None:
        """Append one event; ``values`` must be JSON values."""
        if self._path is None:
            return
        record = {"event": event, "time": datetime.now(UTC).isoformat(), **values}
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        except OSError as error:
            raise TrainingError(
                f"cannot write the log {self._path}: {disk_fault(error, self._path.parent)}"
            ) from error
