"""Time, memory and training curve of a run over all of its sessions, from its log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bitrecall.reproduction.summary import METRICS

# Log events at the start and the end of a session, the part of a run in one process.
SESSION_STARTED = "sat down"
SESSION_ENDED = "sitting"
_DIGITS = 6


def history(log: Path) -> dict[str, Any]:
    """Read ``wall_seconds``, ``peak_rss_mib`` and ``curve`` from a run's log.

    A session that was killed did not log its duration and memory. It counts from its first event to
    its last; the next session repeated its later steps.
    """
    wall, peak = 0.0, 0
    started: datetime | None = None
    latest: datetime | None = None
    epochs: dict[tuple[str, int], dict[str, Any]] = {}
    for line in log.read_text("utf-8").splitlines():
        event = json.loads(line)
        time = datetime.fromisoformat(event["time"])
        if event["event"] == SESSION_STARTED:
            wall += _between(started, latest)
            started = time
        elif event["event"] == SESSION_ENDED:
            wall += event["seconds"]
            peak = max(peak, event["peak_rss_mib"])
            started = None
        elif event["event"] == "epoch":
            epochs[event["phase"], event["epoch"]] = {
                "phase": event["phase"],
                "epoch": event["epoch"],
                "seconds": event["seconds"],
                "loss": round(event["loss"], _DIGITS),
                "metrics": rounded({k: v for k, v in event["metrics"].items() if k in METRICS}),
            }
        latest = time
    return {"wall_seconds": round(wall, 2), "peak_rss_mib": peak, "curve": list(epochs.values())}


def rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    """Round metrics to the digits of ``results.json``."""
    return {name: round(value, _DIGITS) for name, value in metrics.items()}


def _between(started: datetime | None, latest: datetime | None) -> float:
    return 0.0 if started is None or latest is None else (latest - started).total_seconds()
