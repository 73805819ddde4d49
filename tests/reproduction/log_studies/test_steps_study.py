import pytest

from bitrecall.reproduction.log_studies import steps_study
from bitrecall.reproduction.log_studies.steps_study import cells, measure_steps
from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe_file import load_recipe
from tests.reproduction.log_studies.conftest import SMALL


@pytest.fixture(autouse=True)
def sizes(monkeypatch):
    monkeypatch.setattr(steps_study, "SIZES", {"half": 0.5, "2x": 2.0, "500-users": 500})


def measure(run, name, multiple):
    [measured] = measure_steps(run, name, multiple)
    return measured


def test_a_cell_per_size_and_multiple():
    names = [cell.name for cell in cells("toys")]
    assert names[:2] == ["steps/toys/half/0.25", "steps/toys/half/0.5"]
    assert len(set(names)) == 15


@pytest.mark.parametrize(("name", "users"), [("half", 30), ("2x", 120)])
def test_trains_a_multiple_of_the_recipes_epochs(cell_run, name, users):
    recipe = load_recipe("default", [*SMALL, "fit.epochs=8", "fit.batch_users=25"])
    short, long = (measure(cell_run(recipe=recipe), name, multiple) for multiple in (0.25, 2))
    assert (short.details["epochs"], long.details["epochs"]) == (2, 16)
    assert long.details["users"] == users
    assert long.details["steps"] == 16 * -(-users // 25)
    assert long.metrics["ndcg@20"] != short.metrics["ndcg@20"]


def test_measures_the_last_epoch_only(cell_run):
    run = cell_run(recipe=load_recipe("default", [*SMALL, "fit.epochs=3"]))
    measure(run, "half", 1)
    lines = (run.folder / "log.jsonl").read_text().splitlines()
    epochs = [line for line in lines if '"epoch"' in line]
    assert ['"recall@20"' in line for line in epochs] == [False, False, True]


def test_rejects_a_size_that_the_data_do_not_have(cell_run):
    with pytest.raises(StudyError, match="has only 60 users"):
        measure(cell_run(), "500-users", 1)
