from dataclasses import replace

import numpy as np
import pytest

from bitrecall.reproduction.log_studies import teacher_study
from bitrecall.reproduction.log_studies.teacher_study import MEAN, RANKER, cells
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.split import random_per_user
from bitrecall.training.errors import StudyError
from bitrecall.training.metrics import OUTSIDE
from bitrecall.training.recipe.recipe_file import load_recipe
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.learned.learned_lists import LearnedLists
from bitrecall.training.teacher.teacher_lists import TeacherLists
from tests.training.teacher.learned.conftest import grouped_matrix, interactions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset():
    train, test = random_per_user(interactions(grouped_matrix(160)), 0.2, seed=0)
    return Dataset(train, test, "grouped", ReadReport())


@pytest.fixture(scope="module")
def learned_recipe():
    return load_recipe("default", ["validation.share=0.2", "teacher.length=50"])


@pytest.fixture
def measured(cell_run, dataset, learned_recipe):
    run = cell_run(dataset=dataset, recipe=learned_recipe)
    return {(m.split, m.variant): m for m in cells("grouped")[0].run(run)}


def test_measures_each_scorer_the_mean_and_the_ranker(measured):
    kinds = {variant for split, variant in measured if split == "validation"}
    assert {"item_knn", "ease", "transitions", "als", "low_pass", MEAN, RANKER} <= kinds
    assert {variant for split, variant in measured if split == "test"} == {MEAN, RANKER}
    for (_, variant), result in measured.items():
        assert 0.3 < result.metrics["recall@20"] <= 1
        assert bool(result.details) == (variant not in (MEAN, RANKER))
    assert set(measured["validation", "ease"].details) == {"kind", "seconds", "added", "used"}


def test_rejects_a_recipe_with_another_teacher(cell_run):
    with pytest.raises(StudyError, match="needs the teacher 'learned', not 'filter'"):
        cells("chains")[0].run(cell_run())


def test_rejects_too_few_held_out_interactions(cell_run, learned_recipe, clustered):
    few = Dataset(clustered.select(clustered.users < 8), None, "few", ReadReport())
    with pytest.raises(StudyError, match="too few held-out interactions"):
        cells("few")[0].run(cell_run(dataset=few, recipe=learned_recipe))


def test_lists_do_not_depend_on_the_size_of_a_block(dataset, monkeypatch):
    train = dataset.train
    users = np.arange(0, train.n_users, 3)
    recipe = TeacherRecipe(length=50)
    together = teacher_study._lists_of_scorers(train, recipe, 0, users)
    monkeypatch.setattr(teacher_study, "block_users", lambda n_users, n_items: 7)
    apart = teacher_study._lists_of_scorers(train, recipe, 0, users)
    assert together.keys() == apart.keys()
    for kind, lists in together.items():
        assert (lists == apart[kind]).mean() > 0.99, kind


def test_lists_have_unseen_items_once(dataset):
    train = dataset.train
    users = np.arange(20)
    for lists in teacher_study._lists_of_scorers(train, TeacherRecipe(), 0, users).values():
        for user, items in zip(users, lists, strict=True):
            listed = items[items != OUTSIDE]
            assert len(set(listed)) == len(listed) > 0
            assert not set(listed) & set(train.items_of(user))


def test_no_rows_of_a_test_split_without_one(cell_run, dataset, learned_recipe):
    run = cell_run(dataset=replace(dataset, test=None), recipe=learned_recipe)
    learned = LearnedLists(TeacherLists.blank(160, 50), None)
    assert teacher_study._on_test(run, dataset.train, learned) == []
