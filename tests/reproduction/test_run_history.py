import json
from datetime import UTC, datetime, timedelta

import pytest

from bitrecall.reproduction.run_history import SESSION_ENDED, SESSION_STARTED, history
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


def started(second):
    return second, SESSION_STARTED, {}


def ended(second, seconds, peak):
    return second, SESSION_ENDED, {"seconds": seconds, "peak_rss_mib": peak}


def epoch(second, number, loss=-0.5):
    values = {"phase": "final", "epoch": number, "loss": loss, "seconds": 2.0 * number}
    return second, "epoch", {**values, "metrics": {"recall@50": 0.1234567, "novelty@50": 1.0}}


def test_sums_time_and_takes_the_maximum_memory(log):
    result = history(log(started(0), ended(60, 59.5, 800), started(500), ended(530, 29.25, 700)))
    assert result["wall_seconds"] == 88.75
    assert result["peak_rss_mib"] == 800


def test_a_killed_session_counts_up_to_its_last_event(log):
    result = history(
        log(started(0), epoch(70, 1), epoch(90, 2), started(1000), ended(1010, 10.0, 500))
    )
    assert result["wall_seconds"] == 100.0


def test_a_session_killed_before_its_first_event_counts_nothing(log):
    result = history(log(started(0), started(500), ended(510, 10.0, 500)))
    assert result["wall_seconds"] == 10.0


def test_the_curve_has_the_latest_record_of_each_epoch(log):
    result = history(
        log(started(0), epoch(1, 1, -0.25), epoch(2, 2), started(9), epoch(10, 2, -0.75))
    )
    assert [(point["epoch"], point["loss"]) for point in result["curve"]] == [
        (1, -0.25),
        (2, -0.75),
    ]
    assert result["curve"][0]["metrics"] == {"recall@50": 0.123457}


def test_reads_a_log_written_by_the_training_log(tmp_path):
    log = TrainingLog(tmp_path / "log.jsonl")
    log.write(SESSION_STARTED)
    log.write(SESSION_ENDED, seconds=1.5, peak_rss_mib=10)
    assert history(tmp_path / "log.jsonl") == {
        "wall_seconds": 1.5,
        "peak_rss_mib": 10,
        "curve": [],
    }
