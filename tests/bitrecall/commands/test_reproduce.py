import json
import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from bitrecall.cli import bitrecall

pytestmark = pytest.mark.slow

PLAN = """
[[row]]
part = "gowalla/proposed/16"
recipe = "sample"
set = ["method=proposed", "bits=16", "fit.epochs=1", "fit.batch_users=16", "loss.cutoffs=[5]"]
minutes = 3

[[study]]
part = "gowalla/study/sign"
title = "The sign"
recipe = "sample"
set = ["method=proposed", "bits=16", "fit.epochs=3000", "fit.batch_users=4", "fit.learning_rate=1"]
minutes = 57
[study.variant]
aage = { set = ["validation.patience=3000"] }
"""


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    lines = [
        (user, [user % 2 * 20 + (user + step) % 20 for step in range(12)]) for user in range(30)
    ]
    for name, part in (("train", slice(None, 10)), ("test", slice(10, None))):
        text = "\n".join(f"{user} " + " ".join(map(str, items[part])) for user, items in lines)
        (folder / f"{name}.txt").write_text(text)
    return folder


@pytest.fixture
def locations(tmp_path, data):
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN)
    return [
        *("--plan", str(plan), "--gowalla", str(data)),
        *("--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "out")),
    ]


@pytest.fixture
def reproduce(locations):
    def reproduce(*arguments):
        return CliRunner().invoke(bitrecall, ["reproduce", *locations, *arguments])

    return reproduce


def test_lists_the_parts_with_their_state(reproduce):
    done = reproduce("--list")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert lines[0] == ["part", "seed", "split", "minutes", "state"]
    assert lines[1] == ["gowalla/proposed/16", "0", "test", "3"]
    assert lines[2] == ["gowalla/study/sign/aage", "0", "validation", "57"]
    assert "2 runs, about 1.0 hours on two cores" in done.output


def test_writes_a_row_tables_and_plots_and_skips_the_finished_run(reproduce, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- results: runs -->\n<!-- end -->\n")
    arguments = ("--only", "gowalla/proposed/16", "--seed", "5", "--threads", "1", "--no-progress")
    done = reproduce(*arguments, "--page", str(page))
    assert done.exit_code == 0, done.output
    (row,) = json.loads((tmp_path / "out" / "results.json").read_text())
    assert (row["seed"], row["machine"]["threads"]) == (5, 1)
    assert f"recall@20 {row['metrics']['recall@20']:.4f}" in done.output
    assert "| `gowalla/proposed/16` | test | 5 | 1 |" in page.read_text()
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"results.json", "results.md", "bits.svg", "time.svg"}
    again = reproduce(*arguments)
    assert "finished before" in again.output
    assert "wrote" not in again.output
    assert "done" in reproduce("--list", "--seed", "5").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "gowalla/propsed/16"), "did you mean: gowalla/proposed/16"),
        (("--gowalla", "/nowhere/at/all"), "does not exist"),
        (("--seed", "-1"), "Invalid value"),
        (("--tables",), "has no results to make tables of"),
    ],
)
def test_reports_invalid_arguments_and_runs_nothing(reproduce, tmp_path, arguments, message):
    done = reproduce(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_rejects_a_page_without_a_marked_place(reproduce, tmp_path):
    (tmp_path / "page.md").write_text("# Nothing marked\n")
    row = '{"part": "gowalla/proposed/16", "dataset": "gowalla", "method": "proposed", "bits": 16,'
    row += ' "seed": 0, "study": "table", "split": "test", "metrics": {}, "wall_seconds": 1,'
    row += ' "peak_rss_mib": 1, "epochs": 1, "curve": [], "machine": {"threads": 2}}'
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.json").write_text(f"[{row}]")
    assert reproduce("--tables").exit_code == 0
    done = reproduce("--tables", "--page", str(tmp_path / "page.md"))
    assert done.exit_code == 2
    assert "page.md has no place" in done.stderr


def test_reports_a_crashed_part_with_exit_code_1(reproduce, tmp_path, monkeypatch):
    child = tmp_path / "python"
    child.write_text("#!/bin/sh\nexit 9\n")
    child.chmod(0o755)
    monkeypatch.setattr("bitrecall.reproduction.launch.sys.executable", str(child))
    done = reproduce("--seed", "0")
    assert done.exit_code == 1
    assert "0 finished, 0 skipped, 2 failed" in done.output
    assert "gowalla/proposed/16, seed 0: crashed with exit code 9" in done.stderr


def test_ctrl_c_writes_a_checkpoint(locations, reproduce):
    command = [
        *(sys.executable, "-m", "bitrecall", "reproduce", *locations),
        *("--only", "gowalla/study", "--threads", "1", "--progress"),
    ]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=0
    ) as process:
        progress = ""
        while "loss" not in progress:  # the bar shows a loss once steps are taken
            character = process.stderr.read(1)
            assert character, f"ended before a step was taken: {progress}"
            progress += character
        os.kill(process.pid, signal.SIGINT)
        _, remaining = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "the same command resumes" in remaining
    assert "Traceback" not in remaining
    assert "interrupted" in reproduce("--list").output
