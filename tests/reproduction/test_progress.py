import pytest

from bitrecall.reproduction.part_selection import select_runs
from bitrecall.reproduction.progress import StudyProgress
from bitrecall.reproduction.results import record

BETA = "gowalla/study/beta"


@pytest.fixture
def state(plan, tmp_path):
    """The state of the plan's one run, as another start of the command finds it."""

    def state():
        (run,) = select_runs(plan, [BETA])
        return StudyProgress(plan, {}, tmp_path / "runs", tmp_path / "out").state(run)

    return state


def test_a_run_is_done_if_its_folder_has_its_row(study, state):
    assert state() == ""
    study(BETA)
    assert state() == "done"


def test_results_of_another_recipe_are_outdated(study, results, state, tmp_path):
    study(BETA)
    (row,) = results()
    for left in (tmp_path / "runs").rglob("rows.json"):
        left.unlink()
    assert state() == "recorded"
    record(tmp_path / "out", [row | {"recipe": row["recipe"] | {"bits": 128}}])
    assert state() == "outdated"


def test_release_settings_do_not_make_results_outdated(study, results, state, tmp_path):
    study(BETA)
    (row,) = results()
    for left in (tmp_path / "runs").rglob("rows.json"):
        left.unlink()
    older = {name: value for name, value in row["recipe"].items() if name != "release"}
    record(tmp_path / "out", [row | {"recipe": older}])
    assert state() == "recorded"
    record(tmp_path / "out", [row | {"recipe": {"from": "another time"}}])
    assert state() == "outdated"
