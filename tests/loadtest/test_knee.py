import math

import pytest

from bitrecall.loadtest.knee import Step, knee
from bitrecall.loadtest.load_generator import ResponseCounts


def step(offered: float, p99: float, busy: float = 0.0, other: float = 0.0) -> Step:
    return Step(offered, offered - busy - other, busy, other, p99 / 2, p99, p99 * 2)


def test_a_step_summarises_a_measurement() -> None:
    times = {200: [0.001 * n for n in range(1, 101)], 503: [0.1] * 20, 404: [0.1] * 4}
    result = Step.of(60.0, ResponseCounts(times, lost=2, duration=2.0))
    assert (result.offered, result.good, result.busy, result.other) == (60.0, 50.0, 10.0, 3.0)
    assert result.p50 == pytest.approx(0.0505)
    assert result.p99 == pytest.approx(0.09901)
    assert result.max == pytest.approx(0.1)
    assert result.failed == pytest.approx(13 / 63)


def test_latency_is_infinite_without_a_200_response() -> None:
    result = Step.of(10.0, ResponseCounts({503: [0.1]}, duration=1.0))
    assert (result.p50, result.p99, result.failed) == (math.inf, math.inf, 1.0)


def test_the_knee_is_the_last_step_before_responses_get_slow() -> None:
    steps = [step(100, 0.002), step(200, 0.003), step(300, 0.010), step(400, 0.0101)]
    assert knee(steps, slow=5.0) is steps[2]
    assert knee(steps, slow=2.0) is steps[1]
    assert knee(steps, slow=100.0) is steps[3]


def test_steps_after_a_bad_step_do_not_count() -> None:
    steps = [step(100, 0.002), step(200, 0.5), step(300, 0.002)]
    assert knee(steps, slow=5.0) is steps[0]


@pytest.mark.parametrize("kind", ["busy", "other"])
def test_the_knee_needs_a_200_response_to_nearly_all_requests(kind: str) -> None:
    steps = [step(1000, 0.002, **{kind: 1.0}), step(2000, 0.002, **{kind: 2.5})]
    assert knee(steps, slow=5.0) is steps[0]
    assert knee(steps[1:], slow=5.0) is None
