"""A complete load test: the best throughput, then rates below and above it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from bitrecall.loadtest.contradictions import contradictions
from bitrecall.loadtest.cpu_usage import CpuUsage
from bitrecall.loadtest.errors import LoadTestError
from bitrecall.loadtest.knee import Step, knee
from bitrecall.loadtest.load_generator import OK, LoadGenerator
from bitrecall.loadtest.service_metrics import ServiceMetrics
from bitrecall.loadtest.target import Target

_CONNECTIONS: Final = (1, 2, 4, 8, 16, 32, 64, 128)
# Minimum gain in throughput for using more connections.
_GAIN: Final = 1.03
_ROUND: Final = 0.5
SHARES: Final = (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1)
# In an open loop, a slow response must not delay the next request.
_OPEN_LOOP_CONNECTIONS: Final = 256
_USERS: Final = 1000

ProgressCallback = Callable[[str], None]


@dataclass(frozen=True)
class LoadTestResult:
    """Result of a load test.

    Attributes:
        url: URL of the service.
        k: items per request.
        connections: number of connections with the best throughput.
        best: responses per second with 200 in a closed loop.
        steps: rates below and above that, lightest first.
        knee: the highest sustained rate; None if none was sustained.
        slow: maximum p99 of a sustained rate, as a multiple of the lightest step's.
        client_share: CPU usage of this process at the best throughput, as a share of one processor.
        machine_share: CPU usage of this machine, as a share of all processors; None if unknown.
        search_share: CPU usage of searches, as a share of one processor; None if the service's
            metrics cannot be read.
        rejected: requests rejected by the service; None if its metrics cannot be read.
        contradictions: contradicting measurements, in sentences; if there are any, do not rely on
            the other figures.
    """

    url: str
    k: int
    connections: int
    best: float
    steps: list[Step]
    knee: Step | None
    slow: float
    client_share: float
    machine_share: float | None
    search_share: float | None
    rejected: float | None
    contradictions: list[str]

    def to_json(self) -> str:
        """The result as JSON; infinite times are null."""
        result = asdict(self)
        for step in [*result["steps"], result["knee"] or {}]:
            step.update({name: None for name, value in step.items() if math.isinf(value)})
        return json.dumps(result, indent=1, allow_nan=False)


async def load_test(
    target: Target, k: int, seconds: float, slow: float, report_progress: ProgressCallback
) -> LoadTestResult:
    """Test a service.

    Args:
        target: the service.
        k: items per request.
        seconds: duration of each rate.
        slow: maximum p99 of a sustained rate, as a multiple of the lightest step's.
        report_progress: called with a line for each step.

    Raises:
        LoadTestError: the service cannot be reached, or has no 200 response.
    """
    requests = [target.recommend(user, k) for user in target.users(_USERS)]
    trials: dict[int, float] = {}
    connections = await _best_connections(target, requests, seconds, trials, report_progress)
    metrics_before, cpu_before = ServiceMetrics.by(target), CpuUsage.now()
    async with LoadGenerator(target.address, requests, connections) as load:
        counts = await load.as_fast_as_answered(seconds)
    best = counts.rate(OK)
    if not best:
        statuses = ", ".join(str(status) for status in sorted(counts.seconds)) or "none"
        raise LoadTestError(f"{target.url} has no 200 response; statuses: {statuses}")
    metrics_after, cpu_after = ServiceMetrics.by(target), CpuUsage.now()
    report_progress(f"at best {best:,.0f} responses/s, with {connections} connections")
    steps = []
    for share in SHARES:
        async with LoadGenerator(target.address, requests, _OPEN_LOOP_CONNECTIONS) as load:
            step = Step.of(share * best, await load.at_rate(share * best, seconds))
        steps.append(step)
        report_progress(
            f"{step.offered:8,.0f} requests/s: {step.good:,.0f} good, p50 {step.p50 * 1e3:.2f} ms, "
            f"p99 {step.p99 * 1e3:.2f} ms"
        )
    metrics_end = ServiceMetrics.by(target)
    at_best = (
        None
        if metrics_before is None or metrics_after is None
        else metrics_after.since(metrics_before)
    )
    return LoadTestResult(
        target.url,
        k,
        connections,
        best,
        steps,
        knee(steps, slow),
        slow,
        cpu_after.process_share(cpu_before),
        cpu_after.machine_share(cpu_before),
        None if at_best is None else at_best.search_seconds / (cpu_after.at - cpu_before.at),
        (
            None
            if metrics_before is None or metrics_end is None
            else metrics_end.since(metrics_before).rejected
        ),
        contradictions(trials, best, steps, slow),
    )


async def _best_connections(
    target: Target,
    requests: Sequence[bytes],
    seconds: float,
    trials: dict[int, float],
    report_progress: ProgressCallback,
) -> int:
    """The number of connections with the best throughput, or nearly; fills ``trials``."""
    best, chosen = 0.0, 1
    for number in _CONNECTIONS:
        async with LoadGenerator(target.address, requests, number) as load:
            rate = (await load.as_fast_as_answered(seconds * _ROUND)).rate(OK)
        trials[number] = rate
        report_progress(f"{number:3} connections: {rate:,.0f} responses/s")
        if rate < best * _GAIN and number > 2 * chosen:
            break
        if rate >= best * _GAIN:
            best, chosen = rate, number
    return chosen
