import json

import pytest

from bitrecall.reproduction.log_studies.cell import Cell, Measured
from bitrecall.reproduction.log_studies.run_cells import CellOptions, CellRunner
from bitrecall.training.errors import StudyError


@pytest.fixture
def calls():
    return []


@pytest.fixture
def run(data, tmp_path, calls):
    """Run a cell that records its calls."""

    def run(measure=None, settings=None, data=data, **options):
        def measured(cell_run):
            calls.append(cell_run)
            return measure(cell_run) if measure else [Measured("test", {"recall@20": 0.25})]

        cell = Cell("codes", "chains", "", measured, settings or {}, ("seed", "bits"))
        chosen = CellOptions({"chains": data}, tmp_path / "runs", tmp_path / "out", **options)
        runner = CellRunner(chosen, lambda line: None)
        return runner.state(cell), runner.run([cell])

    return run


def results(tmp_path):
    return json.loads((tmp_path / "out" / "results.json").read_text())


def test_records_a_row_and_skips_a_finished_cell(run, calls, tmp_path):
    state, report = run()
    assert (state, report.finished) == ("", ["codes/chains"])
    [row] = results(tmp_path)
    assert row["metrics"] == {"recall@20": 0.25}
    assert row["key"]["recipe"] == {"seed": 0, "bits": 256}
    state, report = run()
    assert (state, report.skipped) == ("done", ["codes/chains"])
    assert len(calls) == 1


@pytest.mark.parametrize(
    "change", [{"settings": {"size": 2}}, {"overrides": ("bits=64",)}, {"again": True}]
)
def test_runs_again_if_requested_or_changed(run, calls, tmp_path, change):
    run()
    run(**change)
    assert len(calls) == 2
    assert len(results(tmp_path)) == 1


def test_ignores_a_change_that_the_cell_does_not_depend_on(run, calls):
    run()
    run(overrides=("fit.epochs=3",))
    assert len(calls) == 1


def test_runs_again_on_other_data(run, calls, data, tmp_path):
    run()
    other = tmp_path / "other"
    other.mkdir()
    for name in ("train.csv", "test.csv"):
        (other / name).write_text((data / name).read_text().replace("i3,", "i99,"))
    run(data=other)
    assert len(calls) == 2


def test_each_seed_has_a_row(run, tmp_path):
    run()
    run(seed=1)
    assert [row["seed"] for row in results(tmp_path)] == [0, 1]


def test_an_error_ends_its_cell_only(run, tmp_path):
    def fail(cell_run):
        raise StudyError("no order")

    _, report = run(fail)
    assert report.failed == {"codes/chains": "no order"}
    assert not (tmp_path / "out" / "results.json").exists()


def test_continues_in_the_same_folder_after_an_interruption(run, calls, tmp_path):
    def interrupt(cell_run):
        (cell_run.folder / "validation.npz").write_text("a checkpoint")
        raise KeyboardInterrupt

    _, report = run(interrupt)
    assert report.interrupted
    run()
    assert calls[0].folder == calls[1].folder
    assert not list(calls[1].folder.glob("*.npz"))
    [row] = results(tmp_path)
    lines = (calls[0].folder / "log.jsonl").read_text().splitlines()
    sessions = [json.loads(line)["event"] for line in lines]
    assert sessions.count("sitting") == 2
    assert row["wall_seconds"] >= 0
