"""Steps of a load test, and the knee: the highest rate before latency rises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bitrecall.loadtest.load_generator import OK, TOO_BUSY, ResponseCounts

# Maximum share of requests without a 200 response below the knee.
_MAX_FAILED: Final = 0.001


@dataclass(frozen=True)
class Step:
    """Measurements at one offered rate.

    Attributes:
        offered: scheduled requests per second.
        good: responses per second with 200.
        busy: responses per second with 503.
        other: responses per second with another status, and lost connections.
        p50: median latency in seconds, from the scheduled time of a request to the end of its
            response.
        p99: 99th percentile of latency.
        max: latency of the slowest response.
    """

    offered: float
    good: float
    busy: float
    other: float
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, offered: float, counts: ResponseCounts) -> Step:
        """Summarise a measurement; latency is of 200 responses, infinite without any."""
        good, busy = counts.rate(OK), counts.rate(TOO_BUSY)
        times = counts.seconds.get(OK)
        p50, p99, slowest = (
            (float(value) for value in np.percentile(times, [50, 99, 100]))
            if times
            else [np.inf] * 3
        )
        other = counts.all_rate - good - busy + counts.lost / counts.duration
        return cls(offered, good, busy, other, p50, p99, slowest)

    @property
    def failed(self) -> float:
        """Share of requests without a 200 response."""
        failed = self.busy + self.other
        return failed / (self.good + failed) if failed else 0.0


def knee(steps: Sequence[Step], slow: float) -> Step | None:
    """The highest sustained rate.

    A rate is sustained if its p99 is at most ``slow`` times that of the lightest step, and at most
    one in a thousand requests had no 200 response.

    Args:
        steps: in order of the offered rate.
        slow: maximum p99 as a multiple of the lightest step's.

    Returns:
        The last step before the first that is not sustained; None if none is.
    """
    last = None
    for step in steps:
        if not is_sustained(step, steps[0], slow):
            break
        last = step
    return last


def is_sustained(step: Step, lightest: Step, slow: float) -> bool:
    """Whether the rate of a step is sustained; see ``knee``."""
    return step.failed <= _MAX_FAILED and step.p99 <= slow * lightest.p99
