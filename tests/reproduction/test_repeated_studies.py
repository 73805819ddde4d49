"""Studies whose runs are finished, recorded, interrupted or the same."""

import json
import os
import signal

import pytest

from bitrecall.reproduction.job import INTERRUPTED
from bitrecall.reproduction.plan import parse_plan
from bitrecall.reproduction.results import record
from bitrecall.reproduction.worker import run_job
from tests.reproduction.study_folders import BETA, TABLE, folders

pytestmark = pytest.mark.slow


def test_skips_finished_runs_unless_again_is_set(study, results, tmp_path):
    study(BETA)
    (before,) = results()

    def never(job, threads):
        raise AssertionError(f"{job.part} was run again")

    report = study(BETA, launch=never)
    assert report.skipped == [f"{BETA}/b-1, seed 0"]
    assert study(BETA, again=True).finished == report.skipped
    (after,) = results()
    assert after["metrics"] == before["metrics"]


def test_records_a_finished_run_that_is_missing_from_the_results(study, results, tmp_path):
    study(BETA)
    rows = results()
    (tmp_path / "out" / "results.json").unlink()
    study(BETA)
    assert results() == rows


def test_runs_again_with_another_recipe_or_data(study, plan, results, data, tmp_path):
    study(BETA)
    (first,) = results()
    (changed,) = (part for part in plan.parts if part.study == "beta")
    text = (
        f'[[study]]\npart = "{BETA}"\ntitle = "T"\nrecipe = "sample"\nminutes = 1\n'
        f"set = {json.dumps([*changed.overrides, 'fit.epochs=1'])}\nvariant.b-1 = {{}}"
    )
    assert study(BETA, plan=parse_plan(text, "changed")).finished
    (second,) = results()
    assert (second["epochs"], second["part"]) == (1, first["part"])
    fewer = tmp_path / "fewer"
    fewer.mkdir()
    for name in ("train.txt", "test.txt"):
        lines = (data / name).read_text().splitlines()
        (fewer / name).write_text("\n".join(lines[:20]))
    assert study(BETA, data=fewer).finished
    assert results()[0]["data_sha256"] != first["data_sha256"]


def test_recorded_results_count_only_with_skip_recorded(study, results, tmp_path):
    study(BETA)
    (recorded,) = results()
    for folder in folders(tmp_path, f"{BETA}/b-1"):
        (folder / "rows.json").unlink()
    assert study(BETA, skip_recorded=True).skipped
    record(tmp_path / "out", [recorded | {"recipe": recorded["recipe"] | {"bits": 128}}])
    assert study(BETA, skip_recorded=True).finished


def test_runs_identical_parts_once(study, results, lines):
    launched = []

    def launch(job, threads):
        launched.append(job.part)
        return run_job(job)

    report = study("gowalla/study/sign/aage", BETA, launch=launch)
    assert launched == ["gowalla/study/sign/aage"]
    assert len(report.finished) == 2
    beta, sign = results()
    assert beta["metrics"] == sign["metrics"]
    assert (beta["part"], beta["variant"]) == (f"{BETA}/b-1", "b-1")
    assert beta["same_run_as"] == "gowalla/study/sign/aage"
    assert "the same training as gowalla/study/sign/aage" in lines[-1]
    again = study("gowalla/study/sign/aage", BETA, launch=launch, again=True)
    assert launched == ["gowalla/study/sign/aage"] * 2
    assert len(again.finished) == 2


def test_resumes_an_interrupted_run_with_the_same_result(study, results, lines, tmp_path):
    study(TABLE)
    undisturbed = results()
    (tmp_path / "out" / "results.json").unlink()
    report = study(TABLE, again=True, launch=_interrupt_second_run())
    assert report.interrupted
    assert report.finished == ["gowalla/proposed/16, seed 0"]
    assert [row["seed"] for row in results()] == [0]
    assert any(folder.glob("*.npz") for folder in folders(tmp_path, "gowalla/proposed/16"))
    report = study(TABLE)
    assert report.skipped == ["gowalla/proposed/16, seed 0"]
    assert [row["metrics"] for row in results()] == [row["metrics"] for row in undisturbed]


def _interrupt_second_run():
    """Return a launcher that interrupts the second run after its first steps."""
    runs = []

    def launch(job, threads):
        runs.append(job)
        if len(runs) < 2:
            return run_job(job)
        from bitrecall.training.hashing.hashing_method import HashingMethod

        advance = HashingMethod.advance

        def advance_and_stop(self):
            loss = advance(self)
            os.kill(os.getpid(), signal.SIGINT)
            return loss

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(HashingMethod, "advance", advance_and_stop)
            code = run_job(job)
        assert code == INTERRUPTED
        return code

    return launch


def test_prints_the_previous_metric_next_to_the_new_one(study, results, lines, tmp_path):
    study(BETA)
    (row,) = results()
    row["metrics"]["recall@50"] = 0.5
    record(tmp_path / "out", [row])
    study(BETA, again=True)
    assert "recall@50 was 0.5000" in lines[-1]
