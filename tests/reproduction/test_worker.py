import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from bitrecall.reproduction.job import BUSY, INTERRUPTED, WRONG, Job, left_rows
from bitrecall.reproduction.part_selection import PlannedRun
from bitrecall.reproduction.progress import known_beforehand
from bitrecall.reproduction.worker import carry_out

pytestmark = pytest.mark.slow

ENDLESS = {"epochs": 3000, "batch_users": 4}


@pytest.fixture
def job(plan, data, tmp_path):
    run = PlannedRun(plan.parts[0], 0)
    return Job(
        part=run.part.name,
        row=known_beforehand(run),
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
    """A child that has taken steps, in the middle of its training."""
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


def test_a_job_survives_its_one_line_of_json(job):
    text = job.to_json()
    assert "\n" not in text
    assert Job.from_json(text) == job


def test_a_child_has_its_folder_to_itself_and_stops_with_its_parent(running, endless, tmp_path):
    folder = tmp_path / "run"
    assert carry_out(endless) == BUSY
    running.stdin.close()  # what the kernel does when the parent dies
    rest = running.stderr.read()
    assert running.wait(timeout=300) == INTERRUPTED
    assert "the same command goes on" in rest
    assert (folder / "final.npz").exists()
    assert left_rows(folder) == []
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events][-2:] == ["interrupted", "sitting"]
    assert events[-2]["signal"] == "SIGTERM"
    # Nobody is at the folder any more.
    assert carry_out(replace(endless, measure="nonsense")) == WRONG


def test_time_and_memory_are_those_of_all_sittings(job, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "log.jsonl").write_text(
        '{"event": "sitting", "time": "2026-01-01T00:00:00+00:00", "seconds": 1000.0, '
        '"peak_rss_mib": 99999}\n'
    )
    assert carry_out(job) == 0
    (row,) = left_rows(folder)
    assert 1000 < row["wall_seconds"] < 1100
    assert row["peak_rss_mib"] == 99999


def test_again_forgets_what_was_there(job, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "final.npz").write_bytes(b"of another time")
    assert carry_out(job) == WRONG
    assert carry_out(replace(job, again=True)) == 0
    assert left_rows(folder)


def test_our_errors_are_one_line(job, capsys):
    assert carry_out(replace(job, measure="nonsense")) == WRONG
    assert capsys.readouterr().err == (
        "error: unknown measure 'nonsense': expected one of test, validation, ties, teacher, "
        "fold-in, second-stage\n"
    )
