"""The number of epochs that a time allows, from the time of the first steps."""

from __future__ import annotations

from statistics import median

# The first step allocates memory and is slower.
_TIMED_STEPS = 5
# Validation, checkpoints and the log, as a share of the steps.
_OVERHEAD = 0.2
_MOST = 2


class EpochBudget:
    """Chooses the number of epochs once, after a few steps.

    Args:
        seconds: time for all epochs.
        epochs: number of epochs of the recipe; at most twice as many are chosen.
        steps: number of steps per epoch.
    """

    def __init__(self, seconds: float, epochs: int, steps: int) -> None:
        self._seconds = seconds
        self._epochs = epochs
        self._steps = steps
        self._durations: list[float] = []

    def record(self, seconds: float) -> int | None:
        """Record the duration of a step.

        Returns:
            The number of epochs, after enough steps and only once; None otherwise.
        """
        self._durations.append(seconds)
        if len(self._durations) != _TIMED_STEPS:
            return None
        # A coarse clock may measure 0.
        step = max(median(self._durations[1:]), 1e-6)
        epoch = self._steps * step * (1 + _OVERHEAD)
        return max(1, min(int(self._seconds / epoch), _MOST * self._epochs))
