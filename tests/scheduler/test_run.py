import os
import signal
import socket
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bitrecall.commands.settings_options import SettingsError, load_settings
from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.scheduler.errors import ScheduleError
from bitrecall.scheduler.run import retrain_command, run
from bitrecall.scheduler.settings import SchedulerSettings

pytestmark = pytest.mark.slow


def start_scheduler(tmp_path: Path, *options: str) -> subprocess.Popen[str]:
    """Start the scheduler on a store whose runs end at once, because there are no data."""
    command = [sys.executable, "-m", "bitrecall", "scheduler", "--releases", str(tmp_path / "r")]
    return subprocess.Popen(
        [*command, "--retries", "0", *options, "--", "--events", "off", "--work", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def lines_until(process: subprocess.Popen[str], text: str) -> str:
    """Read the log up to a line with this text; return all of it."""
    log = ""
    assert process.stderr is not None
    for line in process.stderr:
        log += line
        if text in line:
            return log
    raise AssertionError(log)


def test_starts_a_missed_run_at_once_and_stops_on_a_signal(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    process = start_scheduler(tmp_path, "--metrics-port", str(port))
    try:
        log = lines_until(process, "retraining ended")
        assert "or there was none; starting one now" in log
        assert "exit code 4 (no new data)" in log
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        assert "bitrecall_retraining_running" in metrics
        process.send_signal(signal.SIGTERM)
        lines_until(process, "stopping: SIGTERM")
        assert process.wait(timeout=300) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
    status = RetrainingStatus.read(tmp_path / "r")
    assert status is not None
    assert status.outcome == "no new data"


def test_waits_if_no_run_was_missed(tmp_path: Path) -> None:
    releases = tmp_path / "r"
    releases.mkdir()
    now = datetime.now(UTC).isoformat(timespec="seconds")
    RetrainingStatus(now, now, "published", "", None).write(releases)
    later = f"{(datetime.now(UTC).hour + 12) % 24:02}:00"
    process = start_scheduler(tmp_path, "--at", later)
    try:
        log = lines_until(process, f"retraining is scheduled daily at {later}, UTC")
        assert "starting one now" not in log
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=300) == 0
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def test_reports_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        settings = SchedulerSettings(metrics_port=sock.getsockname()[1], catch_up=False)
        with pytest.raises(ScheduleError, match=r"cannot listen on 127\.0\.0\.1"):
            run(settings, tmp_path, ["true"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("at", "24:00"), ("at", "3:00"), ("retries", -1), ("timezone", ""), ("metrics_port", 70000)],
)
def test_names_the_variable_of_an_invalid_setting(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=f"BITRECALL_SCHEDULER_{name.upper()}"):
        load_settings(SchedulerSettings, {name: value})


def test_passes_the_store_and_the_arguments_to_a_run(tmp_path: Path) -> None:
    command = retrain_command(["data", "--from-scratch"], tmp_path)
    assert command[1:] == [
        *("-P", "-m", "bitrecall", "retrain", "--releases", str(tmp_path), "--no-progress"),
        *("data", "--from-scratch"),
    ]
