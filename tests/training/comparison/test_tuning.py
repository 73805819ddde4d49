import numpy as np
import pytest
import torch

from bitrecall.training.comparison.families import Family
from bitrecall.training.comparison.recommenders import Scored
from bitrecall.training.comparison.tuning import Search, Tuned


class Clock:
    """A clock that only fits move."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Blend(Family):
    """Lists of popular, of rare, or of any items. A fit takes time on the clock only."""

    name = "blend"
    axes = {"popularity": (0.0, 1.0, -1.0), "cost": (1.0, 4.0)}  # noqa: RUF012

    def __init__(self, clock: Clock, fit_seconds: float = 2.0) -> None:
        self.clock, self.fit_seconds = clock, fit_seconds
        self.fitted: list[dict[str, float]] = []

    def expected_seconds(self, matrix, setting):
        return 2.0 * setting["cost"]

    def fit(self, matrix, setting, seed):
        self.clock.time += self.fit_seconds * setting["cost"]
        self.fitted.append(dict(setting))
        scores = -setting["popularity"] * torch.arange(matrix.shape[1], dtype=torch.float32)
        return Scored(lambda users: scores.repeat(len(users), 1), matrix.shape[1], 4)


@pytest.fixture
def search(validation, final):
    def search(seconds, with_final=True, **options):
        clock = Clock()
        family = Blend(clock, **options)
        problem = final if with_final else None
        run = Search(
            family, validation, problem, metric="recall@20", seed=0, seconds=seconds, clock=clock
        )
        return run, family

    return search


def test_tries_every_value_from_the_best_setting_so_far(search):
    run, family = search(np.inf)
    tuned = run.run()
    assert family.fitted == [
        {"popularity": 0.0, "cost": 1.0},
        {"popularity": 1.0, "cost": 1.0},
        {"popularity": -1.0, "cost": 1.0},
        {"popularity": tuned.setting["popularity"], "cost": 4.0},
    ]
    assert tuned.trials == family.n_trials == 4


def test_chooses_the_setting_with_the_best_metric(search, validation):
    run, family = search(np.inf)
    values = {
        popularity: validation.metric(
            family.fit(validation.matrix, {"popularity": popularity, "cost": 1.0}, 0), "recall@20"
        )
        for popularity in (0.0, 1.0, -1.0)
    }
    assert run.run().setting["popularity"] == max(values, key=values.__getitem__)


def test_leaves_out_trials_that_would_not_end_in_time(search):
    # Three trials of 2 s and the final fit of 2 s; the costly setting would take 8 s, twice.
    run, family = search(9)
    assert run.run().trials == 3
    assert family.clock.time - 100 <= 9
    assert all(setting["cost"] == 1 for setting in family.fitted)


def test_without_a_final_fit_there_is_time_for_more_trials(search):
    assert search(7)[0].run().trials == 2
    assert search(7, with_final=False)[0].run().trials == 3


def test_learns_from_the_first_fit_how_slow_fits_are(search):
    run, family = search(20, fit_seconds=6.0)
    assert run.run().trials == 2
    assert family.clock.time - 100 == 12


def test_uses_the_default_setting_if_there_is_time_for_one_fit(search):
    run, family = search(3)
    assert run.run() == Tuned({"popularity": 0.0, "cost": 1.0}, 0)
    assert family.fitted == []


def test_nothing_runs_if_no_fit_ends_in_time(search):
    for with_final in (True, False):
        run, family = search(1.5, with_final=with_final)
        assert run.run() is None
        assert run.expected_seconds() == pytest.approx(2.0, abs=0.1)
        assert family.fitted == []
