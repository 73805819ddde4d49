from math import inf

import pytest

from bitrecall.loadtest.contradictions import contradictions
from bitrecall.loadtest.knee import Step

TRIALS = {1: 120.0, 2: 210.0, 4: 290.0, 8: 300.0}


def steps_of(*p99s: float, best: float = 300.0, busy_from: int = 99) -> list[Step]:
    """Steps from 10% to 110% of the best rate, with these p99 in ms."""
    rates = [best * (0.1 + number / (len(p99s) - 1)) for number in range(len(p99s))]
    return [
        Step(
            rate,
            rate if number < busy_from else rate * 0.9,
            0.0 if number < busy_from else rate * 0.1,
            0.0,
            p99 / 2000,
            p99 / 1000,
            p99 / 500,
        )
        for number, (rate, p99) in enumerate(zip(rates, p99s, strict=True))
    ]


GOOD = steps_of(2.0, 2.1, 2.6, 4.0, 90.0)


@pytest.mark.parametrize(
    ("trials", "best", "steps"),
    [
        (TRIALS, 300.0, GOOD),
        # Measurements vary, and latency is higher at a light load because cores sleep.
        (TRIALS, 330.0, steps_of(2.6, 2.0, 2.1, 4.0, 90.0, best=330.0)),
        (TRIALS, 260.0, GOOD),
        (TRIALS, 300.0, steps_of(2.0, 2.1, 2.6, 4.0, 5.0, busy_from=3)),
        (TRIALS, 300.0, steps_of(2.0, 2.1, 80.0, 400.0, inf, busy_from=3)),
    ],
)
def test_finds_no_contradiction_in_consistent_measurements(
    trials: dict[int, float], best: float, steps: list[Step]
) -> None:
    assert contradictions(trials, best, steps, 5.0) == []


@pytest.mark.parametrize(
    ("trials", "best", "steps", "expected"),
    [
        (
            {8: 2256.0, 16: 1900.0},
            300.0,
            GOOD,
            "2,256 responses/s while the number of connections was chosen, and then at best 300",
        ),
        (
            {1: 150.0, 8: 200.0},
            300.0,
            GOOD,
            "at most 200 responses/s while the number of connections was chosen, and then 300",
        ),
        (
            TRIALS,
            300.0,
            steps_of(36.0, 2.1, 2.6, 12.0, 400.0),
            "p99 36.00 ms at 30 requests/s, and 2.10 ms at 105",
        ),
        (
            TRIALS,
            300.0,
            steps_of(2.0, 80.0, 2.6, 4.0, 90.0),
            "105 requests/s were not sustained, and 180 were",
        ),
        (
            TRIALS,
            300.0,
            steps_of(2.0, 2.1, 2.2, 2.3, 2.4),
            "330 requests/s were sustained, more than the best throughput of 300",
        ),
    ],
)
def test_finds_contradictions(
    trials: dict[int, float], best: float, steps: list[Step], expected: str
) -> None:
    assert contradictions(trials, best, steps, 5.0) == [expected]


def test_missing_responses_are_not_a_contradiction() -> None:
    assert contradictions(TRIALS, 300.0, steps_of(inf, inf, busy_from=0), 5.0) == []
