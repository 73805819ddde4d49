import json
from dataclasses import replace

import pytest

from bitrecall.loadtest.knee import Step
from bitrecall.loadtest.run import LoadTestResult
from bitrecall.loadtest.verdict import verdict

STEPS = [Step(100.0 * n, 100.0 * n, 0.0, 0.0, 0.001, 0.001 * n, 0.1) for n in (1, 2, 3)]
RESULT = LoadTestResult("http://x", 10, 8, 300.0, STEPS, STEPS[1], 5.0, 0.2, 0.6, 0.1, 0.0, [])


def test_a_step_without_responses_is_valid_json() -> None:
    slow = replace(STEPS[0], p50=float("inf"), p99=float("inf"), max=float("inf"))
    result = json.loads(replace(RESULT, steps=[slow], knee=None).to_json())
    assert (result["steps"][0]["p99"], result["steps"][0]["good"], result["knee"]) == (
        None,
        100.0,
        None,
    )


def test_the_summary_has_the_knee_and_its_latencies() -> None:
    sustained, _ = verdict(RESULT)
    assert sustained == (
        "the knee is at 200 responses/s: p99 2.00 ms, against 1.00 ms at the lightest load; the "
        "best throughput is 300 responses/s"
    )


@pytest.mark.parametrize(
    ("step", "expected"),
    [(None, "the knee is below 100 requests/s"), (STEPS[2], "the highest rate tested")],
)
def test_a_knee_outside_the_tested_rates(step: Step | None, expected: str) -> None:
    assert expected in verdict(replace(RESULT, knee=step))[0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_share": 0.97}, "the limit is this load generator (97% of a processor)"),
        ({"search_share": 0.8}, "searches took 80% of a processor: the catalogue is the limit"),
        ({"search_share": 0.2}, "the rest is parsing, encoding and the network"),
        ({"search_share": None}, "the limit is unknown"),
        ({"machine_share": 0.99}, "This machine's processors were 99% busy"),
    ],
)
def test_the_summary_names_the_limit(changes: dict[str, float | None], expected: str) -> None:
    assert expected in verdict(replace(RESULT, **changes))[1]


def test_contradicting_measurements_come_first() -> None:
    unreliable, sustained, _ = verdict(replace(RESULT, contradictions=["one thing", "and another"]))
    assert unreliable.startswith("the measurements contradict each other (one thing; and another)")
    assert "Run it again while they are idle" in unreliable
    assert sustained.startswith("the knee is at 200 responses/s")
    result = json.loads(replace(RESULT, contradictions=["one thing"]).to_json())
    assert result["contradictions"] == ["one thing"]
