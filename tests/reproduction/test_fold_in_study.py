from dataclasses import replace

import numpy as np
import pytest

import bitrecall.reproduction.fold_in_study as fold_in_study_file
from bitrecall.reproduction.fold_in_study import fold_in_study
from bitrecall.reproduction.holdout_training import remove_pairs, train_without
from bitrecall.reproduction.measures import measure
from bitrecall.reproduction.trial import Trial
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.errors import StudyError
from bitrecall.training.recipe.recipe_file import parse_recipe


@pytest.fixture(scope="module")
def recipe():
    return parse_recipe(
        {
            "method": "proposed",
            "bits": 16,
            "loss": {"cutoffs": [5, 20]},
            "fit": {"epochs": 3, "batch_users": 64, "learning_rate": 0.1},
            "validation": {"share": 0.2},
        },
        "small",
    )


@pytest.fixture(scope="module")
def trial(clustered, recipe, tmp_path_factory):
    dataset = Dataset(clustered, None, "clustered", ReadReport())
    return Trial(dataset, recipe, tmp_path_factory.mktemp("run"), progress_bar=False)


@pytest.fixture(scope="module")
def outcomes(trial):
    return fold_in_study(trial)


def recalls(outcomes):
    return {outcome.variant: outcome.metrics["recall@20"] for outcome in outcomes}


def test_measures_every_history_length_next_to_trained_codes(outcomes):
    amounts = ["1 {}", "2 {}s", "5 {}s", "10 {}s", "20 {}s", "all {}s"]
    variants = ["trained", "left out", *(amount.format("user") for amount in amounts)]
    variants += [f"{amount.format('user')}, plain sum" for amount in amounts]
    expected = {"user, trained"}
    for amount in amounts:
        variant = f"user, {amount.format('item')}"
        expected |= {variant, f"{variant}, plain sum"}
    expected |= {
        f"item, {variant}{scope}" for variant in variants for scope in ("", ", new ones alone")
    }
    assert {outcome.variant for outcome in outcomes} == expected
    assert len(outcomes) == len(expected)
    assert all(outcome.epochs == 3 and outcome.users > 0 for outcome in outcomes)


def test_folding_in_has_higher_recall_than_leaving_out(outcomes):
    recall = recalls(outcomes)
    assert recall["item, left out, new ones alone"] == 0
    assert recall["item, all users, new ones alone"] > 0.5
    # A group has 20 of the 80 items: a list of 20 by chance would find a quarter.
    assert recall["user, all items"] > 0.5


def test_resumes_from_checkpoints_with_the_same_result(trial, outcomes):
    assert measure("fold-in", trial) == outcomes


def test_training_does_not_see_new_users_and_items(trial, monkeypatch):
    seen = {}

    def spy(trial, pairs, phase):
        seen[phase] = pairs
        return train_without(trial, pairs, phase)

    monkeypatch.setattr(fold_in_study_file, "train_without", spy)
    fold_in_study(trial)
    full = seen["full"]
    assert len(full) < len(trial.dataset.train)
    for phase, degrees in (("users left out", "user_degrees"), ("items left out", "item_degrees")):
        before, after = getattr(full, degrees), getattr(seen[phase], degrees)
        gone = (before > 0) & (after == 0)
        assert gone.sum() >= (before > 0).sum() // 10
        # The others keep all their pairs but those with what is new.
        assert len(full) - len(seen[phase]) == before[gone].sum()


def test_leaving_out_removes_only_their_pairs(clustered):
    users = np.zeros(clustered.n_users, bool)
    users[[3, 5]] = True
    items = np.zeros(clustered.n_items, bool)
    items[7] = True
    left = remove_pairs(clustered, users, items)
    kept = [
        (user, item)
        for user, item in zip(clustered.users, clustered.items, strict=True)
        if user not in (3, 5) and item != 7
    ]
    assert list(zip(left.users, left.items, strict=True)) == kept
    assert left.user_ids == clustered.user_ids


def test_marks_users_and_items_without_training_pairs(trial, clustered):
    items = np.zeros(clustered.n_items, bool)
    items[7] = True
    trained = train_without(trial, remove_pairs(clustered, items=items), "one")
    assert list(np.flatnonzero(~trained.has_item)) == [7]
    assert trained.has_user.all()
    assert not trained.items[7].any()
    assert trained.items[8].any()
    assert np.abs(trained.users).mean(axis=1) == pytest.approx(1)


def test_rejects_a_method_without_codes(trial):
    floats = trial.recipe.model_copy(update={"method": "lightgcn"})
    with pytest.raises(StudyError, match="no codes"):
        fold_in_study(replace(trial, recipe=floats))


def test_rejects_too_few_users(trial, clustered):
    few = clustered.select(clustered.users < 5).compact()
    dataset = Dataset(few, None, "few", ReadReport())
    with pytest.raises(StudyError, match="too small"):
        fold_in_study(replace(trial, dataset=dataset))
