"""The result of a training: the release, its metrics, and what the training took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bitrecall.index.releases.release import Release
from bitrecall.training.teacher.learned.scorer_report import ScorerReport


@dataclass(frozen=True)
class TrainingResult:
    """A finished run.

    Attributes:
        release: the published release.
        epochs: number of epochs that its codes were trained for, including those with validation
            that the training on all pairs continues.
        seconds: time in steps of the published fit, over all runs since its start.
        validation: metrics of the best epoch on the validation split; empty without one.
        validation_lists: int32 (b, K), the item rows that the codes of that epoch list for the
            validated users; None with a test split, without validation, or if the fit with
            validation ended in an earlier process.
        scorers: what the scorers of a learned teacher cost and added; empty without one.
        peak_rss_mib: peak memory of the process, in MiB.
    """

    release: Release
    epochs: int
    seconds: float
    validation: dict[str, float]
    validation_lists: NDArray[np.int32] | None
    scorers: tuple[ScorerReport, ...]
    peak_rss_mib: int
