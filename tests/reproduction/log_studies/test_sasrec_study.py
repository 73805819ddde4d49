import pytest

from bitrecall.reproduction.log_studies.sasrec.settings import SASRecSettings
from bitrecall.reproduction.log_studies.sasrec_study import cells
from bitrecall.training.errors import StudyError

SMALL = SASRecSettings(
    dimensions=16, blocks=1, length=6, batch=16, learning_rate=0.01, epochs=16, validation_steps=8
)
UNTRAINED = SASRecSettings(dimensions=8, blocks=1, length=6, learning_rate=0.0, epochs=1)


@pytest.fixture
def study():
    return cells("chains", [UNTRAINED, SMALL])


def rows_of(study, cell_run, row):
    rows = []
    for cell in study:
        measured = cell.run(cell_run(rows))
        rows += [
            row(cell.name, split=result.split, metrics=result.metrics, details=result.details)
            for result in measured
        ]
    return rows


def test_a_cell_per_setting_and_one_for_the_test(study):
    assert [cell.name for cell in study] == [
        "sasrec/chains/8-dropout-0.2",
        "sasrec/chains/16-dropout-0.2",
        "sasrec/chains/test",
    ]


def test_scores_the_best_setting_on_the_test_split(study, cell_run, row):
    first, second, scored = rows_of(study, cell_run, row)
    assert [first["split"], second["split"], scored["split"]] == ["validation"] * 2 + ["test"]
    assert second["metrics"]["recall@5"] > first["metrics"]["recall@5"]
    assert scored["details"]["chosen"] == "sasrec/chains/16-dropout-0.2"
    assert scored["details"]["epoch"] == second["details"]["epoch"]
    # Each user's next item follows the last one.
    assert scored["metrics"]["ndcg@20"] > 0.8
    assert scored["details"]["search_seconds"] == 180


def test_requires_the_results_of_all_settings(study, cell_run):
    with pytest.raises(StudyError, match="has no result yet: run it first"):
        study[-1].run(cell_run())


def test_depends_on_seed_and_validation_of_the_recipe_alone(study, recipe):
    longer = recipe.model_copy(update={"bits": 32})
    other_cut = recipe.validation.model_copy(update={"share": 0.3})
    assert study[0].key(longer) == study[0].key(recipe)
    assert study[0].key(recipe.model_copy(update={"validation": other_cut})) != study[0].key(recipe)
    assert study[0].key(recipe) != study[1].key(recipe)
