import numpy as np
import pytest

from bitrecall.training.comparison.problem import Problem, check_held_out, validation_share
from bitrecall.training.comparison.recommenders import Popular
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import EvaluationError
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.metrics import OUTSIDE


def test_validation_has_the_users_and_items_that_the_training_validates_on(train, small_recipe):
    recipe = small_recipe.model_copy(
        update={"validation": small_recipe.validation.model_copy(update={"users": 30})}
    )
    problem = Problem.validation(train, recipe)
    part, held_out = cut_validation(train, 0.15, recipe.seed, recipe.validation.cut)
    order = popularity_order(part)
    validator = Validator(reorder_items(part, order), reorder_items(held_out, order), recipe)
    assert problem.train.sha256() == part.sha256()
    np.testing.assert_array_equal(problem.held_out.users, validator.users)
    expected = np.concatenate([validator.held_out.items_of(user) for user in validator.users])
    np.testing.assert_array_equal(problem.held_out.truth.rows, expected)
    assert problem.n_users == 30


def test_items_are_in_descending_popularity(validation, final):
    for problem in (validation, final):
        assert (np.diff(problem.train.item_degrees) <= 0).all()


def test_users_unknown_to_training_are_cold_and_get_the_popular_list(train):
    test = collapse(["newcomer"], train.item_ids, np.array([0], np.int32), np.array([3], np.int32))
    problem = Problem.test(train, test)
    assert problem.held_out.users.tolist() == [OUTSIDE]
    assert problem.user_degrees().tolist() == [0]
    assert problem.n_unknown_users == 1
    (batch,) = problem.batches(Popular(train.n_items), 5)
    assert batch.ranked.tolist() == [[0, 1, 2, 3, 4]]
    assert len(batch.seen[0]) == 0


def test_a_metric_excludes_seen_items(final):
    popular = Popular(final.train.n_items)
    for batch in final.batches(popular, 20):
        for seen, ranked in zip(batch.seen, batch.ranked, strict=True):
            assert not set(seen.tolist()) & set(ranked.tolist())
    assert 0 < final.metric(popular, "recall@20") < final.metric(popular, "recall@50") < 1


def test_rejects_an_empty_test_split(train):
    with pytest.raises(EvaluationError, match="the test split holds no interactions"):
        Problem.test(train, train.select(np.zeros(len(train), bool)))


def test_rejects_users_without_a_second_interaction(small_recipe):
    pairs = collapse(["a", "b"], ["x", "y"], np.array([0, 1], np.int32), np.array([0, 1], np.int32))
    with pytest.raises(EvaluationError, match="no user has enough interactions to hold one out"):
        Problem.validation(pairs, small_recipe)


def without_validation(recipe):
    section = recipe.validation.model_copy(update={"share": 0.0})
    return recipe.model_copy(update={"validation": section})


def test_a_recipe_without_validation_is_tuned_on_the_default_share(small_recipe):
    assert validation_share(small_recipe) == 0.15
    assert validation_share(without_validation(small_recipe)) == 0.15


def test_data_without_test_and_validation_cannot_be_compared_on(train, small_recipe):
    check_held_out(None, small_recipe)
    check_held_out(train, without_validation(small_recipe))
    with pytest.raises(EvaluationError, match="--split random, or pass --set"):
        check_held_out(None, without_validation(small_recipe))
