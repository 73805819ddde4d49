import json
from dataclasses import replace

import pytest

from bitrecall.index.releases.store import ReleaseStore
from bitrecall.reproduction.job import BUSY
from bitrecall.reproduction.plan import parse_plan
from bitrecall.reproduction.worker import run_job
from bitrecall.training.data.load import load_dataset
from bitrecall.training.errors import StudyError
from bitrecall.training.evaluation.evaluate import evaluate
from tests.reproduction.study_folders import BETA, TABLE, folders

pytestmark = pytest.mark.slow


def test_a_row_has_the_metrics_of_its_release(study, results, data, tmp_path):
    report = study(TABLE)
    assert report.finished == ["gowalla/proposed/16, seed 0", "gowalla/proposed/16, seed 1"]
    rows = results()
    assert [(row["method"], row["bits"], row["seed"]) for row in rows] == [
        ("proposed", 16, 0),
        ("proposed", 16, 1),
    ]
    for row, folder in zip(rows, folders(tmp_path, "gowalla/proposed/16"), strict=True):
        release = ReleaseStore(folder / "releases").open_current()
        expected = evaluate(release, load_dataset(data).test).metrics
        for name in ("recall@20", "ndcg@50"):
            assert row["metrics"][name] == pytest.approx(expected[name], abs=1e-6)
        assert row["metrics"]["bgch_ndcg@20"] >= row["metrics"]["ndcg@20"] > 0
        assert (row["split"], row["similarity"], row["users"]) == ("test", "hamming", 30)
        assert [record["epoch"] for record in row["curve"]] == [1, 2]
        assert row["wall_seconds"] > 0
        assert row["peak_rss_mib"] > 50
        assert row["machine"]["cores"] >= 1
        assert json.loads((folder / "recipe.json").read_text()) == row["recipe"]
        assert row["recipe"]["seed"] == row["seed"]
        assert not list(folder.glob("*.npz"))
    assert rows[0]["recipe_sha256"] != rows[1]["recipe_sha256"]
    assert rows[0]["data_sha256"] == rows[1]["data_sha256"]


def test_scores_floats_on_the_test_split_without_a_release(study, results, tmp_path):
    study("gowalla/lightgcn")
    (row,) = results()
    assert (row["split"], row["similarity"], row["bits"]) == ("test", "inner_product", 256)
    assert row["metrics"]["recall@20"] > 0.5
    (folder,) = folders(tmp_path, "gowalla/lightgcn/256")
    assert not (folder / "releases").exists()


def test_scores_a_variant_on_validation_after_every_epoch(study, results):
    study("gowalla/study/sign/steeper")
    (row,) = results()
    assert (row["split"], row["study"], row["variant"]) == ("validation", "sign", "steeper")
    best = max(row["curve"], key=lambda record: record["metrics"]["recall@20"])
    assert row["epochs"] == best["epoch"]
    assert row["metrics"]["recall@20"] == best["metrics"]["recall@20"]


def test_a_variant_does_not_read_the_test_split(study, results, data, tmp_path):
    study(BETA)
    (before,) = results()
    other = tmp_path / "other"
    other.mkdir()
    (other / "train.txt").write_text((data / "train.txt").read_text())
    (other / "test.txt").write_text("0 39\n29 0\n")
    study(BETA, data=other, again=True)
    (after,) = results()
    assert after["metrics"] == before["metrics"]
    assert after["data_sha256"] != before["data_sha256"]


def test_measures_ties_both_ways_on_the_same_codes(study, results):
    study("gowalla/study/ties")
    rows = results()
    assert [row["variant"] for row in rows] == ["popularity", "none"]
    assert rows[0]["metrics"] != rows[1]["metrics"]
    assert rows[0]["curve"] == rows[1]["curve"]


def test_measures_a_teacher_separately_from_its_student(study, results, data):
    study("gowalla/study/teachers")
    teacher, student = results()
    assert (teacher["variant"], teacher["epochs"], teacher["curve"]) == ("filter", 0, [])
    assert teacher["users"] == student["users"]
    assert (teacher["similarity"], student["similarity"]) == ("scores", "hamming")
    # Each user has twenty items of one taste, eleven of them in train: only a teacher that leaves
    # those out can find all others among its best ten.
    assert teacher["metrics"]["recall@20"] == 1
    assert student["epochs"] == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1, "exit code 1"), (2, "the error is above"), (-9, "SIGKILL")],
)
def test_reports_a_failure_and_continues_with_the_others(study, results, lines, code, reason):
    def launch(job, threads):
        return code if job.part == "gowalla/lightgcn/256" else run_job(job)

    report = study("gowalla/lightgcn", BETA, launch=launch)
    assert list(report.failed) == ["gowalla/lightgcn/256, seed 0"]
    assert reason in report.failed["gowalla/lightgcn/256, seed 0"]
    assert report.finished == [f"{BETA}/b-1, seed 0"]
    assert [row["part"] for row in results()] == [f"{BETA}/b-1"]


def test_rows_of_another_recipe_count_as_a_failure(study, tmp_path):
    def launch(job, threads):
        return run_job(replace(job, recipe=job.recipe | {"bits": 8}))

    report = study(BETA, launch=launch)
    assert "another recipe" in report.failed[f"{BETA}/b-1, seed 0"]
    assert not (tmp_path / "out").exists()


def test_skips_a_run_of_another_process(study):
    report = study(BETA, launch=lambda job, threads: BUSY)
    assert report.skipped == [f"{BETA}/b-1, seed 0"]
    assert not report.failed


def test_rejects_files_with_another_sha256(data, study):
    text = '[dataset.gowalla.sha256]\n"train.txt" = "00"\n[[row]]\npart = "gowalla/proposed/16"\n'
    plan = parse_plan(text + 'recipe = "sample"\nminutes = 1\n', "strict")
    with pytest.raises(StudyError, match=r"train\.txt differs from the file"):
        study(plan=plan)


def test_names_a_data_set_without_a_folder(study, data):
    plan = parse_plan(
        '[[row]]\npart = "yelp2018/proposed/16"\nrecipe = "sample"\nminutes = 1\n', "other"
    )
    with pytest.raises(StudyError, match="yelp2018"):
        study(plan=plan)
