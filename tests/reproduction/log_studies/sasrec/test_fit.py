from dataclasses import replace

import pytest
import torch

from bitrecall.reproduction.log_studies.sasrec.fit import SASRecTraining, fit, fit_with_validation
from bitrecall.reproduction.log_studies.sasrec.settings import SASRecSettings
from bitrecall.training.comparison.problem import Problem
from bitrecall.training.errors import StudyError

SETTINGS = SASRecSettings(
    dimensions=16,
    dropout=0.1,
    blocks=1,
    length=6,
    batch=16,
    learning_rate=0.01,
    epochs=30,
    validation_steps=8,
    patience=3,
)


@pytest.fixture
def problem(chains, recipe):
    return Problem.validation(chains.compact(), recipe)


def test_learns_which_item_follows(problem):
    result = fit_with_validation(problem, SETTINGS, 0, "recall@5")
    # A user's held-out items follow the last one; by chance, five of 24 unseen items are 0.2.
    assert result.metric > 0.9
    assert result.epoch == next(epoch for epoch, _, value in result.curve if value == result.metric)


def test_validates_after_enough_steps_and_stops_without_improvement(problem):
    result = fit_with_validation(problem, replace(SETTINGS, learning_rate=0.0), 0, "recall@5")
    # Four steps per epoch.
    assert [epoch for epoch, _, _ in result.curve] == [2, 4, 6, 8]
    assert result.epoch == 2


def test_validates_after_the_last_epoch(problem):
    result = fit_with_validation(problem, replace(SETTINGS, epochs=3), 0, "recall@5")
    assert [epoch for epoch, _, _ in result.curve] == [2, 3]


def test_the_same_seed_trains_the_same_model(problem):
    def metric(seed):
        return problem.metric(fit(problem.train, SETTINGS, seed, 2).recommender(), "ndcg@5")

    torch.rand(3)
    assert metric(0) == metric(0) != metric(1)


def test_lists_unseen_items(problem):
    recommender = fit(problem.train, SETTINGS, 0, 1).recommender()
    for batch in problem.batches(recommender, 10):
        for seen, ranked in zip(batch.seen, batch.ranked, strict=True):
            assert not set(seen) & set(ranked)


def test_the_lists_do_not_depend_on_the_other_users(problem):
    recommender = fit(problem.train, SETTINGS, 0, 1).recommender()
    users = problem.held_out.users
    seen = [problem.train.items_of(user) for user in users]
    together = recommender.lists(users, 5, seen)
    alone = [recommender.lists(users[[n]], 5, [seen[n]])[0] for n in range(len(users))]
    assert together.tolist() == [row.tolist() for row in alone]


def test_rejects_interactions_without_an_order(clustered):
    with pytest.raises(StudyError, match="use data with times"):
        SASRecTraining(clustered, SETTINGS, 0)
