"""Options of a retraining run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
