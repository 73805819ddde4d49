import sys
import time
from pathlib import Path
from threading import Thread

import pytest
from prometheus_client import generate_latest

from bitrecall.index.releases.retraining_status import RetrainingStatus
from bitrecall.scheduler.exit_codes import name_of
from bitrecall.scheduler.metrics import Metrics
from bitrecall.scheduler.retrain_process import RetrainProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def metrics(tmp_path: Path) -> Metrics:
    return Metrics(tmp_path)


def command_with(*codes: int, folder: Path) -> list[str]:
    """Return a command whose runs end with these exit codes, in order."""
    script = (
        "import pathlib, sys\n"
        f"runs = pathlib.Path({str(folder / 'runs')!r})\n"
        "number = len(runs.read_text()) if runs.exists() else 0\n"
        "runs.open('a').write('x')\n"
        f"sys.exit({list(codes)!r}[number])\n"
    )
    return [sys.executable, "-c", script]


@pytest.mark.parametrize(
    ("codes", "runs"),
    [
        ((0,), 1),
        ((3,), 1),
        ((4,), 1),
        ((1, 0), 2),
        ((1, 1, 4), 3),
        ((1, 1, 1), 3),
        ((5, 0), 2),
    ],
)
def test_retries_failures_but_not_decisions(
    tmp_path: Path, metrics: Metrics, codes: tuple[int, ...], runs: int
) -> None:
    process = RetrainProcess(
        command_with(*codes, folder=tmp_path), metrics, retries=2, retry_seconds=0
    )
    assert process.run() == codes[-1]
    assert len((tmp_path / "runs").read_text()) == runs


def test_runs_one_process_at_a_time_and_stops_it(tmp_path: Path, metrics: Metrics) -> None:
    ready = tmp_path / "ready"
    script = f"import pathlib, time\npathlib.Path({str(ready)!r}).touch()\ntime.sleep(600)"
    process = RetrainProcess([sys.executable, "-c", script], metrics, retries=9, retry_seconds=600)
    codes: list[int | None] = []
    thread = Thread(target=lambda: codes.append(process.run()))
    thread.start()
    deadline = time.monotonic() + 300
    while not ready.exists():
        assert time.monotonic() < deadline
    assert process.run() is None
    assert b"bitrecall_retraining_running 1.0" in generate_latest(metrics._registry)
    process.stop()
    thread.join()
    assert codes == [-15]
    assert process.run() is None


def test_counts_outcomes_by_the_retraining_status(tmp_path: Path, metrics: Metrics) -> None:
    status = RetrainingStatus("2026-11-26T03:00:00Z", "2026-11-26T03:01:00Z", "held back", "", None)
    status.write(tmp_path)
    for code in (3, 1, 1):
        RetrainProcess(command_with(code, code, folder=tmp_path), metrics, 0, 0).run()
        (tmp_path / "runs").unlink()
    metrics.due(1234.0)
    text = generate_latest(metrics._registry).decode()
    assert 'bitrecall_retraining_runs_total{outcome="held back"} 1.0' in text
    assert 'bitrecall_retraining_runs_total{outcome="failed"} 2.0' in text
    assert "bitrecall_next_retraining_timestamp_seconds 1234.0" in text
    assert "bitrecall_retraining_running 0.0" in text


def test_names_every_exit_code() -> None:
    names = {code: name_of(code) for code in (0, 1, 2, 3, 4, 5, 130, -9)}
    assert names == {
        0: "published or would publish",
        1: "failed",
        2: "unusable options",
        3: "refused or held back",
        4: "no new data",
        5: "another run was under way",
        130: "interrupted",
        -9: "killed by signal 9",
    }
