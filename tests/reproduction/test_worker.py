import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from bitrecall.reproduction.job import BUSY, FAILED, INTERRUPTED, Job, read_rows
from bitrecall.reproduction.part_selection import PlannedRun
from bitrecall.reproduction.progress import part_fields
from bitrecall.reproduction.worker import run_job

pytestmark = pytest.mark.slow

ENDLESS = {"epochs": 3000, "batch_users": 4}


@pytest.fixture
def job(plan, data, tmp_path):
    run = PlannedRun(plan.parts[0], 0)
    return Job(
        part=run.part.name,
        row=part_fields(run),
        measure="test",
        recipe=run.part.recipe(0).model_dump(mode="json"),
        data=str(data),
        folder=str(tmp_path / "run"),
        progress_bar=False,
    )


@pytest.fixture
def endless(job):
    return replace(
        job, recipe={**job.recipe, "fit": {**job.recipe["fit"], **ENDLESS}}, progress_bar=True
    )


@pytest.fixture
def running(endless):
    """A worker process in the middle of its training."""
    with subprocess.Popen(
        [sys.executable, "-m", "bitrecall.reproduction.worker"],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
        bufsize=0,
    ) as process:
        process.stdin.write(endless.to_json() + "\n")
        process.stdin.flush()
        shown = ""
        while "loss" not in shown:  # the bar shows a loss once steps are taken
            character = process.stderr.read(1)
            assert character, f"ended before a step was taken: {shown}"
            shown += character
        yield process


def test_a_job_round_trips_through_one_line_of_json(job):
    text = job.to_json()
    assert "\n" not in text
    assert Job.from_json(text) == job


def test_locks_its_folder_and_stops_with_its_parent(running, endless, tmp_path):
    folder = tmp_path / "run"
    assert run_job(endless) == BUSY
    running.stdin.close()  # what the kernel does when the parent dies
    output = running.stderr.read()
    assert running.wait(timeout=300) == INTERRUPTED
    assert "the same command resumes" in output
    assert (folder / "final.npz").exists()
    assert read_rows(folder) == []
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events][-2:] == ["interrupted", "sitting"]
    assert events[-2]["signal"] == "SIGTERM"
    # The folder is unlocked again.
    assert run_job(replace(endless, measure="nonsense")) == FAILED


def test_time_and_memory_include_all_sessions(job, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "log.jsonl").write_text(
        '{"event": "sitting", "time": "2026-01-01T00:00:00+00:00", "seconds": 1000.0, '
        '"peak_rss_mib": 99999}\n'
    )
    assert run_job(job) == 0
    (row,) = read_rows(folder)
    assert 1000 < row["wall_seconds"] < 1100
    assert row["peak_rss_mib"] == 99999


def test_again_clears_the_folder(job, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "final.npz").write_bytes(b"outdated")
    assert run_job(job) == FAILED
    assert run_job(replace(job, again=True)) == 0
    assert read_rows(folder)


def test_prints_errors_in_one_line(job, capsys):
    assert run_job(replace(job, measure="nonsense")) == FAILED
    assert capsys.readouterr().err == (
        "error: unknown measure 'nonsense': expected one of test, validation, ties, teacher, "
        "fold-in, second-stage\n"
    )
