"""What a run took and how it went, over all its sittings, as its log has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bitrecall.reproduction.summary import METRICS

# Events of the log at both ends of a sitting, which is what one process does of a run.
BEGAN = "sat down"
ENDED = "sitting"
_DIGITS = 6


def history(log: Path) -> dict[str, Any]:
    """Read ``wall_seconds``, ``peak_rss_mib`` and ``curve`` out of a run's log.

    A sitting that was killed had no time to write how long it was, or how much memory it had. It
    counts from its first event to its last; what it did after that, the next one did again.
    """
    wall, peak = 0.0, 0
    began: datetime | None = None
    latest: datetime | None = None
    epochs: dict[tuple[str, int], dict[str, Any]] = {}
    for line in log.read_text("utf-8").splitlines():
        event = json.loads(line)
        time = datetime.fromisoformat(event["time"])
        if event["event"] == BEGAN:
            wall += _between(began, latest)
            began = time
        elif event["event"] == ENDED:
            wall += event["seconds"]
            peak = max(peak, event["peak_rss_mib"])
            began = None
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
    """Metrics to as many digits as results keep."""
    return {name: round(value, _DIGITS) for name, value in metrics.items()}


def _between(began: datetime | None, latest: datetime | None) -> float:
    return 0.0 if began is None or latest is None else (latest - began).total_seconds()
