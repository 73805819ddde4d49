import math

import numpy as np
import pytest
import torch

from bitrecall.results.comparison import NotRun
from bitrecall.training.comparison.family import Family
from bitrecall.training.comparison.float_rows import FloatRows
from bitrecall.training.comparison.measures import choose_groups
from bitrecall.training.comparison.recommenders import Scored
from tests.training.comparison.conftest import FitClock


class Timed(Family):
    """Takes time on the clock only."""

    name: str  # type: ignore[misc]
    axes = {"value": (0.0, 1.0, 2.0, 3.0)}  # noqa: RUF012

    def __init__(self, log, clock, name, seconds, slowness=1.0, fails=()):
        self.name, self.log, self.clock = name, log, clock
        self.seconds, self.slowness, self.fails = seconds, slowness, fails

    def expected_seconds(self, matrix, setting):
        return self.seconds

    def obstacle(self, matrix, setting):
        return "no memory" if "memory" in self.fails else None

    def fit(self, matrix, setting, seed):
        self.clock.time += self.seconds * self.slowness
        self.log.append(self.name)
        if setting["value"] in self.fails:
            raise MemoryError
        scores = -torch.arange(matrix.shape[1], dtype=torch.float32)
        return Scored(lambda users: scores.repeat(len(users), 1), matrix.shape[1], 4)


@pytest.fixture
def run(validation, final, small_recipe):
    def run(seconds, *families):
        clock, log = FitClock(), []
        groups = choose_groups(final.user_degrees(), final.train.item_degrees)
        made = [Timed(log, clock, *family) for family in families]
        rows = FloatRows(validation, final, groups, small_recipe, made, seconds, clock)
        rows.run(progress=False)
        return rows.outcomes(), log, clock.time - 100

    return run


def test_with_unlimited_time_each_search_is_completed_cheapest_first(run):
    outcomes, log, _ = run(math.inf, ("slow", 9.0), ("quick", 1.0))
    assert log == ["quick"] * 5 + ["slow"] * 5
    assert [row.name for row in outcomes] == ["slow", "quick"]
    assert [(row.trials, row.possible_trials) for row in outcomes] == [(4, 4), (4, 4)]
    assert [row.seconds for row in outcomes] == [45, 5]


def test_with_limited_time_the_recommender_with_the_least_time_so_far_is_next(run):
    # Final fits take 4 s and 1 s; 4 trials of 1 s leave time for 2 of 4 s.
    outcomes, log, used = run(17.5, ("slow", 4.0), ("quick", 1.0))
    assert log == ["quick", "slow", "quick", "quick", "quick", "quick", "slow", "slow"]
    assert [(row.trials, row.possible_trials) for row in outcomes] == [(2, 4), (4, 4)]
    assert used <= 17.5


def test_all_final_fits_have_time(run):
    outcomes, _, used = run(10.5, ("a", 4.0), ("b", 2.0))
    # 6 s are for the final fits: two trials of b leave less than a trial of a.
    assert [row.trials for row in outcomes] == [0, 2]
    assert used <= 10.5


def test_the_slowest_is_not_run_if_the_final_fits_take_too_long(run):
    outcomes, log, _ = run(20, ("slow", 30.0), ("quick", 2.0), ("medium", 15.0))
    assert outcomes[0] == NotRun(
        "slow", "about 30 s expected, 3 s left for it; bitrecall benchmark runs it"
    )
    assert "slow" not in log
    assert [row.name for row in outcomes[1:]] == ["quick", "medium"]


def test_a_fit_that_is_slower_than_expected_takes_time_from_later_trials(run):
    outcomes, _, used = run(40, ("slower", 2.0, 5.0), ("quick", 1.0))
    assert [row.trials for row in outcomes] == [2, 4]
    assert used <= 40


def test_a_setting_that_fails_is_left_out(run):
    (row,), _, _ = run(math.inf, ("some fail", 1.0, 1.0, (1.0, 3.0)))
    assert (row.setting, row.trials, row.possible_trials) == ({"value": 0.0}, 2, 4)


def test_a_recommender_whose_first_setting_fails_is_not_run(run):
    outcomes, log, _ = run(math.inf, ("fails", 1.0, 1.0, (0.0,)), ("runs", 2.0))
    assert outcomes[0] == NotRun("fails", "MemoryError")
    assert (log.count("fails"), outcomes[1].trials) == (1, 4)


def test_a_recommender_without_memory_for_any_setting_is_not_run(run):
    outcomes, log, _ = run(math.inf, ("large", 1.0, 1.0, ("memory",)))
    assert outcomes == [NotRun("large", "no memory")]
    assert log == []


def test_trials_with_limited_time_rank_for_a_sample_of_the_users(validation):
    sample = validation.of_some_users(40, seed=1)
    assert sample.n_users == 40
    assert (np.diff(sample.held_out.users) > 0).all()
    for place, user in enumerate(sample.held_out.users):
        before = int(np.searchsorted(validation.held_out.users, user))
        of_user = [
            truth.rows[truth.indptr[row] : truth.indptr[row + 1]]
            for truth, row in ((sample.held_out.truth, place), (validation.held_out.truth, before))
        ]
        np.testing.assert_array_equal(*of_user)
    assert validation.of_some_users(10**6, seed=1) is validation
