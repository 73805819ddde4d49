import json
from dataclasses import replace

import pytest

from bitrecall.loadtest.knee import Step
from bitrecall.loadtest.run import LoadTestResult
from bitrecall.loadtest.verdict import verdict

STEPS = [Step(100.0 * n, 100.0 * n, 0.0, 0.0, 0.001, 0.001 * n, 0.1) for n in (1, 2, 3)]
FOUND = LoadTestResult("http://x", 10, 8, 300.0, STEPS, STEPS[1], 5.0, 0.2, 0.6, 0.1, 0.0, [])


def test_a_step_without_answers_is_json_all_the_same() -> None:
    slow = replace(STEPS[0], p50=float("inf"), p99=float("inf"), most=float("inf"))
    told = json.loads(replace(FOUND, steps=[slow], knee=None).to_json())
    assert (told["steps"][0]["p99"], told["steps"][0]["good"], told["knee"]) == (None, 100.0, None)


def test_the_knee_is_told_with_what_it_is_measured_by() -> None:
    borne, _ = verdict(FOUND)
    assert borne == (
        "the knee is at 200 answers/s: p99 2.00 ms, where the lightest load has 1.00 ms; at best "
        "it gives 300 answers/s"
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [(None, "the knee lies below 100 requests/s"), (STEPS[2], "the most that was tried")],
)
def test_a_knee_outside_what_was_tried_is_told(found: Step | None, said: str) -> None:
    assert said in verdict(replace(FOUND, knee=found))[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_share": 0.97}, "what stopped it was this program (97% of a processor)"),
        ({"search_share": 0.8}, "searches took 80% of a processor: the catalogue is what costs"),
        ({"search_share": 0.2}, "the rest is parsing, encoding and the network"),
        ({"search_share": None}, "does not tell what limits it"),
        ({"machine_share": 0.99}, "This machine's processors were 99% busy"),
    ],
)
def test_what_stops_it_is_told(changes: dict[str, float | None], said: str) -> None:
    assert said in verdict(replace(FOUND, **changes))[1]


def test_measurements_that_contradict_each_other_are_told_first() -> None:
    unreliable, borne, _ = verdict(replace(FOUND, contradictions=["one thing", "and another"]))
    assert unreliable.startswith("the measurements contradict each other (one thing; and another)")
    assert "Run it again while they are idle" in unreliable
    assert borne.startswith("the knee is at 200 answers/s")
    told = json.loads(replace(FOUND, contradictions=["one thing"]).to_json())
    assert told["contradictions"] == ["one thing"]
