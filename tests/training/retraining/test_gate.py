import numpy as np
import pytest

from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.retraining.gate import Interval, bootstrap, decide, judge
from bitrecall.training.retraining.settings import RetrainingSettings
from bitrecall.training.training_options import TrainingOptions


def test_the_interval_covers_the_mean() -> None:
    generator = np.random.default_rng(0)
    differences = generator.normal(0.3, 1.0, 400)
    interval = bootstrap(differences, 2000, seed=1)
    assert interval.mean == pytest.approx(differences.mean())
    half = 1.96 * differences.std() / 400**0.5
    assert interval.low == pytest.approx(interval.mean - half, abs=0.02)
    assert interval.high == pytest.approx(interval.mean + half, abs=0.02)
    assert bootstrap(differences, 2000, seed=1) == interval


def test_the_interval_is_a_point_without_differences() -> None:
    interval = bootstrap(np.zeros(5), 100, seed=0)
    assert (interval.mean, interval.low, interval.high) == (0, 0, 0)


@pytest.fixture
def settings() -> RetrainingSettings:
    return RetrainingSettings().model_copy(update={"gate_metric": "recall@10"})


def test_a_trained_release_beats_noise_and_the_popular_list(
    clustered_dataset, small_recipe, publish, settings, tmp_path
) -> None:
    train, test = clustered_dataset.train, clustered_dataset.test
    options = TrainingOptions(tmp_path / "run", progress_bar=False)
    store = ReleaseStore(tmp_path / "trained")
    trained = TrainingPipeline(clustered_dataset, small_recipe, options).publish(store).release
    seen = {
        train.user_ids[user]: [train.item_ids[item] for item in train.items_of(user)]
        for user in range(train.n_users)
    }
    noise = publish(seen)
    better = judge(noise, trained, train, test, settings, seed=0)
    assert better.passed
    assert better.candidate["recall@10"] > 2 * better.parent["recall@10"]
    assert better.differences["recall@10"].low > 0
    assert (better.users, better.pairs) == (int((test.user_degrees > 0).sum()), len(test))
    worse = judge(trained, noise, train, test, settings, seed=0)
    assert not worse.passed
    assert "that of the parent" in worse.says
    same = judge(trained, trained, train, test, settings, seed=0)
    assert same.passed
    assert same.differences["ndcg@10"].mean == 0
    assert judge(None, trained, train, test, settings, seed=0).passed
    assert "popular list" in judge(None, noise, train, test, settings, seed=0).says


def test_accepts_a_worse_result_only_within_the_margin_or_by_chance(settings) -> None:
    before = {"recall@10": 0.5, "ndcg@10": 0.5}
    for mean, high, passed in (
        (-0.004, -0.001, True),
        (-0.01, -0.001, False),
        (-0.01, 0.001, True),
        (0.2, 0.3, True),
    ):
        change = Interval(mean, mean - 0.01, high)
        after = {name: value + mean for name, value in before.items()}
        differences = {"recall@10": change, "ndcg@10": Interval(0, 0, 0)}
        assert decide(before, after, differences, settings, 10, True)[0] is passed
        # NDCG at the same cut-off has the same margin.
        other = {"recall@10": Interval(0, 0, 0), "ndcg@10": change}
        assert decide(before, after, other, settings, 10, True)[0] is passed
