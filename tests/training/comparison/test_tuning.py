from collections.abc import Sequence
from typing import ClassVar

import pytest
import torch

from bitrecall.training.comparison.family import Family, Setting
from bitrecall.training.comparison.recommenders import Scored
from bitrecall.training.comparison.tuning import Search
from tests.training.comparison.conftest import FitClock


class Blend(Family):
    """Lists of popular, of rare, or of any items. A fit takes time on the clock only."""

    name = "blend"
    axes = {"popularity": (0.0, 1.0, -1.0), "cost": (1.0, 4.0)}  # noqa: RUF012
    promising: ClassVar[Sequence[Setting]] = ({"popularity": -1.0, "cost": 1.0},)

    def __init__(self, clock: FitClock, fit_seconds: float = 2.0) -> None:
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
    def search(**options):
        clock = FitClock()
        family = Blend(clock, **options)
        return Search(family, validation, final, metric="recall@20", seed=0, clock=clock)

    return search


def complete(search):
    while search.next is not None:
        search.try_next()
    return search


def test_tries_the_promising_settings_and_then_every_value_from_the_best_so_far(search):
    run = complete(search())
    assert run.family.fitted == [
        {"popularity": 0.0, "cost": 1.0},
        {"popularity": -1.0, "cost": 1.0},
        {"popularity": 1.0, "cost": 1.0},
        {"popularity": run.best["popularity"], "cost": 4.0},
    ]
    assert (run.trials, run.skipped, run.seconds) == (4, 0, 14.0)
    assert run.trials <= run.family.max_trials


def test_chooses_the_setting_with_the_best_metric(search, validation):
    run = search()
    values = {
        popularity: validation.metric(
            run.family.fit(validation.matrix, {"popularity": popularity, "cost": 1.0}, 0),
            "recall@20",
        )
        for popularity in (0.0, 1.0, -1.0)
    }
    assert complete(run).best["popularity"] == max(values, key=values.__getitem__)


def test_a_setting_that_was_left_out_is_not_tried(search):
    run = search()
    run.try_next()
    run.skip_next()
    complete(run)
    assert (run.trials, run.skipped) == (3, 1)
    assert {"popularity": -1.0, "cost": 1.0} not in run.family.fitted


def test_without_trials_the_default_is_the_best(search):
    run = search()
    while run.next is not None:
        run.skip_next()
    assert run.best == {"popularity": 0.0, "cost": 1.0}
    assert (run.trials, run.seconds) == (0, 0.0)


def test_learns_from_the_first_fit_how_slow_fits_are(search):
    run = search(fit_seconds=6.0)
    assert run.trial_seconds() == pytest.approx(2.0, abs=0.1)
    run.try_next()
    assert run.trial_seconds() == pytest.approx(6.0, abs=0.1)
    assert run.final_seconds() == pytest.approx(6.0, abs=0.1)


def test_the_final_fit_after_a_costly_trial_may_be_costly(search):
    run = search()
    while run.next["cost"] < 4:
        run.try_next()
    assert run.final_seconds() == pytest.approx(2.0, abs=0.1)
    assert run.final_seconds_after_next() == pytest.approx(8.0, abs=0.2)


def test_a_recommender_without_settings_has_no_trials(validation, final):
    class Plain(Blend):
        axes = {}  # noqa: RUF012
        promising = ()

    run = Search(Plain(FitClock()), validation, final, metric="recall@20", seed=0)
    assert run.next is None
    with pytest.raises(ValueError, match="the search is over"):
        run.try_next()
