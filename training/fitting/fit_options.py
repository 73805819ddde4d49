"""How a fit is run: device, files, progress bar, limits of time, processes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup
from bitrecall.training.runtime.training_log import TrainingLog


@dataclass(frozen=True)
class FitOptions:
    """How a fit is run; only ``seconds`` changes its result.

    Attributes:
        device: a torch device.
        checkpoint: path of the checkpoint; None writes no checkpoint.
        log: receives the events.
        progress_bar: show a bar on stderr; None shows it only if stderr is a terminal.
        phase: name of this fit in the bar and the log.
        deadline: time, on the clock of ``time.monotonic``, after which no epoch starts.
        seconds: about how long the fit may take: a part of it for the scorers of a learned teacher,
            and the rest for epochs, fewer or up to twice as many; None runs the recipe's.
        group: the processes that train together. The first one decides when to stop or save, and
            writes the files; all of them read the checkpoint.
    """

    device: str = "cpu"
    checkpoint: Path | None = None
    log: TrainingLog = field(default_factory=lambda: TrainingLog(None))
    progress_bar: bool | None = False
    phase: str = "fit"
    deadline: float = math.inf
    seconds: float | None = None
    group: ProcessGroup = SINGLE_PROCESS
