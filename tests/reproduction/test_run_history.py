import json
from datetime import UTC, datetime, timedelta

import pytest

from bitrecall.reproduction.run_history import BEGAN, ENDED, history
from bitrecall.training.runtime.training_log import TrainingLog

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.jsonl"

    def write(*events):
        lines = []
        for second, event, values in events:
            time = (START + timedelta(seconds=second)).isoformat()
            lines.append(json.dumps({"event": event, "time": time, **values}) + "\n")
        path.write_text("".join(lines), "utf-8")
        return path

    return write


def began(second):
    return second, BEGAN, {}


def ended(second, seconds, peak):
    return second, ENDED, {"seconds": seconds, "peak_rss_mib": peak}


def epoch(second, number, loss=-0.5):
    values = {"phase": "final", "epoch": number, "loss": loss, "seconds": 2.0 * number}
    return second, "epoch", {**values, "metrics": {"recall@50": 0.1234567, "novelty@50": 1.0}}


def test_time_is_added_up_and_memory_is_the_most(log):
    told = history(log(began(0), ended(60, 59.5, 800), began(500), ended(530, 29.25, 700)))
    assert told["wall_seconds"] == 88.75
    assert told["peak_rss_mib"] == 800


def test_a_sitting_that_was_killed_counts_up_to_its_last_event(log):
    told = history(log(began(0), epoch(70, 1), epoch(90, 2), began(1000), ended(1010, 10.0, 500)))
    assert told["wall_seconds"] == 100.0


def test_one_killed_before_it_wrote_anything_counts_nothing(log):
    told = history(log(began(0), began(500), ended(510, 10.0, 500)))
    assert told["wall_seconds"] == 10.0


def test_the_curve_has_each_epoch_once_as_it_was_last(log):
    told = history(log(began(0), epoch(1, 1, -0.25), epoch(2, 2), began(9), epoch(10, 2, -0.75)))
    assert [(point["epoch"], point["loss"]) for point in told["curve"]] == [(1, -0.25), (2, -0.75)]
    assert told["curve"][0]["metrics"] == {"recall@50": 0.123457}


def test_what_the_training_log_writes_is_read(tmp_path):
    log = TrainingLog(tmp_path / "log.jsonl")
    log.write(BEGAN)
    log.write(ENDED, seconds=1.5, peak_rss_mib=10)
    assert history(tmp_path / "log.jsonl") == {
        "wall_seconds": 1.5,
        "peak_rss_mib": 10,
        "curve": [],
    }
