import pytest

from bitrecall.reproduction.part_selection import select_runs
from bitrecall.reproduction.progress import Ledger
from bitrecall.reproduction.results import record

BETA = "gowalla/study/beta"


@pytest.fixture
def state(plan, tmp_path):
    """The state of the plan's one run, as another start of the command finds it."""

    def state():
        (run,) = select_runs(plan, [BETA])
        return Ledger(plan, {}, tmp_path / "runs", tmp_path / "out").state(run)

    return state


def test_a_run_is_done_where_its_own_folder_has_its_row(study, state):
    assert state() == ""
    study(BETA)
    assert state() == "done"


def test_results_of_another_recipe_are_told_from_those_of_this_one(study, results, state, tmp_path):
    study(BETA)
    (row,) = results()
    for left in (tmp_path / "runs").rglob("rows.json"):
        left.unlink()
    assert state() == "recorded"
    record(tmp_path / "out", [row | {"recipe": row["recipe"] | {"bits": 128}}])
    assert state() == "outdated"


def test_what_is_published_of_the_codes_makes_no_other_recipe(study, results, state, tmp_path):
    study(BETA)
    (row,) = results()
    for left in (tmp_path / "runs").rglob("rows.json"):
        left.unlink()
    older = {name: value for name, value in row["recipe"].items() if name != "release"}
    record(tmp_path / "out", [row | {"recipe": older}])
    assert state() == "recorded"
    record(tmp_path / "out", [row | {"recipe": {"from": "another time"}}])
    assert state() == "outdated"
