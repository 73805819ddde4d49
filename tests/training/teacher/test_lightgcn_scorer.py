import numpy as np
import pytest
import torch

from bitrecall.training.data.split import random_per_user
from bitrecall.training.recipe.teacher_section import TeacherLightGCNRecipe, TeacherRecipe
from bitrecall.training.teacher.lightgcn_scorer import LightGCNScorer
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from bitrecall.training.teacher.teacher_lists import scorer, teacher_lists

pytestmark = pytest.mark.slow

SMALL = {"dimensions": 8, "layers": 1, "epochs": 6, "batch_pairs": 200}


def test_ranks_held_out_items_of_the_users_group_first(clustered):
    train, test = random_per_user(clustered, 0.2, seed=0)
    users = np.arange(train.n_users)
    scores = LightGCNScorer(
        interaction_matrix(train), TeacherLightGCNRecipe(**SMALL), seed=0
    ).scores(users)
    assert scores.shape == (train.n_users, train.n_items)
    of_held_out = scores[test.users, test.items].mean()
    assert of_held_out > scores.mean() + scores.std()


def test_repeats_for_a_seed_without_the_global_generator(clustered):
    matrix, users = interaction_matrix(clustered), np.arange(5)
    before = torch.random.get_rng_state()
    first, second, other = (
        LightGCNScorer(matrix, TeacherLightGCNRecipe(**SMALL), seed=seed).scores(users)
        for seed in (0, 0, 1)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("kind", ["filter", "ease"])
def test_a_weight_adds_it_to_the_scores(clustered, kind):
    matrix, users = interaction_matrix(clustered), np.arange(7)
    closed = TeacherRecipe(kind=kind, rank=4)
    mixed = closed.model_copy(update={"lightgcn": TeacherLightGCNRecipe(weight=0.7, **SMALL)})
    alone = scorer(matrix, closed, seed=0).scores(users).numpy()
    trained = LightGCNScorer(matrix, mixed.lightgcn, seed=0).scores(users).numpy()

    def units(scores: np.ndarray) -> np.ndarray:
        return scores / np.sqrt(np.square(scores).mean(axis=1, keepdims=True))

    found = scorer(matrix, mixed, seed=0).scores(users).numpy()
    np.testing.assert_allclose(found, units(alone) + 0.7 * units(trained), rtol=1e-3, atol=1e-4)


def test_does_not_train_without_pairs(clustered):
    nothing = clustered.select(np.zeros(len(clustered), dtype=bool))
    recipe = TeacherRecipe(
        kind="filter", length=3, rank=4, lightgcn=TeacherLightGCNRecipe(weight=1.0, **SMALL)
    )
    assert teacher_lists(nothing, recipe, seed=0).items[:, 0].tolist() == [0] * 120


def test_shows_a_progress_bar_of_training_on_request(clustered, capsys):
    recipe = TeacherRecipe(
        kind="filter", length=3, rank=4, lightgcn=TeacherLightGCNRecipe(weight=1.0, **SMALL)
    )
    for progress, shown in ((True, True), (False, False), (None, False)):
        teacher_lists(clustered, recipe, seed=0, progress=progress)
        assert ("teacher, trained" in capsys.readouterr().err) is shown


def test_trains_fewer_epochs_in_less_time(clustered):
    matrix, recipe = interaction_matrix(clustered), TeacherLightGCNRecipe(**SMALL)
    assert LightGCNScorer(matrix, recipe, seed=0, seconds=1e6).epochs == 6
    assert LightGCNScorer(matrix, recipe, seed=0).epochs == 6
    assert LightGCNScorer(matrix, recipe, seed=0, seconds=0).epochs < 6
