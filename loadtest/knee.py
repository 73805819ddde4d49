"""Steps of a load test, and the knee: how much is borne before answers get slow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bitrecall.loadtest.load_generator import OK, TOO_BUSY, ResponseCounts

# Of all answers, what may be turned away or lost below the knee.
_MAX_FAILED: Final = 0.001


@dataclass(frozen=True)
class Step:
    """What came of one rate.

    Attributes:
        offered: requests a second that were due.
        good: answers a second with 200.
        busy: answers a second with 503.
        other: answers a second with anything else, and connections lost.
        p50: seconds from when a request was due to the end of its answer, the median.
        p99: of one in a hundred it is more.
        most: of the slowest.
    """

    offered: float
    good: float
    busy: float
    other: float
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, offered: float, answers: ResponseCounts) -> Step:
        """Sum up a measurement; times are those of good answers, infinite where there was none."""
        good, busy = answers.rate(OK), answers.rate(TOO_BUSY)
        times = answers.seconds.get(OK)
        p50, p99, most = (
            (float(one) for one in np.percentile(times, [50, 99, 100])) if times else [np.inf] * 3
        )
        other = answers.all_rate - good - busy + answers.lost / answers.took
        return cls(offered, good, busy, other, p50, p99, most)

    @property
    def failed(self) -> float:
        """The share of requests without a good answer."""
        failed = self.busy + self.other
        return failed / (self.good + failed) if failed else 0.0


def knee(steps: Sequence[Step], slow: float) -> Step | None:
    """The highest rate up to which all is well.

    All is well with a step whose p99 is at most ``slow`` times that of the lightest one, and of
    whose requests at most one in a thousand had no good answer.

    Args:
        steps: by the rates offered, lightest first.
        slow: how many times the lightest p99 is borne.

    Returns:
        The last step before the first that is not well; None where not even the lightest is.
    """
    found = None
    for step in steps:
        if not is_sustained(step, steps[0], slow):
            break
        found = step
    return found


def is_sustained(step: Step, lightest: Step, slow: float) -> bool:
    """Whether a step is borne; see ``knee``."""
    return step.failed <= _MAX_FAILED and step.p99 <= slow * lightest.p99
