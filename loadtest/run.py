"""A whole load test: the best throughput, then rates below and above it."""

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
# A gain that is worth more connections.
_GAIN: Final = 1.03
_ROUND: Final = 0.5
SHARES: Final = (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1)
# Where requests are due whatever comes back, a slow answer must not hold up the next.
_OPEN_LOOP_CONNECTIONS: Final = 256
_USERS: Final = 1000

ProgressCallback = Callable[[str], None]


@dataclass(frozen=True)
class LoadTestResult:
    """What a load test found.

    Attributes:
        url: of the service.
        k: items that each request asked for.
        connections: with which it answered most.
        best: good answers a second, each connection asking again once it is answered.
        steps: rates below and above that, lightest first.
        knee: the highest of them that was borne well; None where none was.
        slow: how many times the lightest p99 was borne.
        client_share: of one processor, what this test used at its best.
        machine_share: of all of this machine's; None where the system does not tell.
        search_share: of the seconds of one processor, what searches took; None where the service
            did not tell.
        shed: requests that the service says it turned away in all; None likewise.
        contradictions: what cannot be true of a service on an idle machine, in sentences; with any,
            the other figures are not to be relied on.
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
    shed: float | None
    contradictions: list[str]

    def to_json(self) -> str:
        """All of it, for a machine; null where a time is infinite."""
        found = asdict(self)
        for step in [*found["steps"], found["knee"] or {}]:
            step.update({name: None for name, value in step.items() if math.isinf(value)})
        return json.dumps(found, indent=1, allow_nan=False)


async def load_test(
    target: Target, k: int, seconds: float, slow: float, say: ProgressCallback
) -> LoadTestResult:
    """Test a service.

    Args:
        target: the service.
        k: items that each request asks for.
        seconds: that each rate lasts.
        slow: how many times the lightest p99 is borne.
        say: told what is done, a line at a time.

    Raises:
        LoadTestError: the service cannot be asked, or gives no good answer.
    """
    requests = [target.recommend(user, k) for user in target.users(_USERS)]
    trials: dict[int, float] = {}
    connections = await _best_connections(target, requests, seconds, trials, say)
    told, busy = ServiceMetrics.by(target), CpuUsage.now()
    async with LoadGenerator(target.address, requests, connections) as load:
        answers = await load.as_fast_as_answered(seconds)
    best = answers.rate(OK)
    if not best:
        statuses = ", ".join(str(one) for one in sorted(answers.seconds)) or "none"
        raise LoadTestError(f"{target.url} gives no good answer, but the statuses {statuses}")
    after, now = ServiceMetrics.by(target), CpuUsage.now()
    say(f"at best {best:,.0f} answers/s, with {connections} connections")
    steps = []
    for share in SHARES:
        async with LoadGenerator(target.address, requests, _OPEN_LOOP_CONNECTIONS) as load:
            step = Step.of(share * best, await load.at_rate(share * best, seconds))
        steps.append(step)
        say(
            f"{step.offered:8,.0f} requests/s: {step.good:,.0f} good, p50 {step.p50 * 1e3:.2f} ms, "
            f"p99 {step.p99 * 1e3:.2f} ms"
        )
    end = ServiceMetrics.by(target)
    told_twice = None if told is None or after is None else after.since(told)
    return LoadTestResult(
        target.url,
        k,
        connections,
        best,
        steps,
        knee(steps, slow),
        slow,
        now.process_share(busy),
        now.machine_share(busy),
        None if told_twice is None else told_twice.search_seconds / (now.at - busy.at),
        None if told is None or end is None else end.since(told).shed,
        contradictions(trials, best, steps, slow),
    )


async def _best_connections(
    target: Target,
    requests: Sequence[bytes],
    seconds: float,
    trials: dict[int, float],
    say: ProgressCallback,
) -> int:
    """How many connections have the best throughput, or nearly so; fills the trials' rates."""
    best, chosen = 0.0, 1
    for number in _CONNECTIONS:
        async with LoadGenerator(target.address, requests, number) as load:
            rate = (await load.as_fast_as_answered(seconds * _ROUND)).rate(OK)
        trials[number] = rate
        say(f"{number:3} connections: {rate:,.0f} answers/s")
        if rate < best * _GAIN and number > 2 * chosen:
            break
        if rate >= best * _GAIN:
            best, chosen = rate, number
    return chosen
