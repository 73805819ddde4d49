import numpy as np

from bitrecall.training.teacher.learned.ranker import Ranker, fit_model

NAMES = ["ease/all/score", "ease/all/rank", "log_popularity"]


def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    features = rng.random((4000, 3)).astype(np.float32)
    return features, rng.random(4000) < features[:, 1] ** 3


def test_estimates_the_probability_of_a_hit() -> None:
    features, hits = data(0)
    model = fit_model(features, hits, np.ones(4000, np.float32), NAMES, 0, n_users=100)
    unseen, _ = data(1)
    found = Ranker([model]).probabilities(unseen)
    assert np.abs(found - unseen[:, 1] ** 3).mean() < 0.05


def test_sampled_rows_count_by_their_weight() -> None:
    features, hits = data(0)
    kept = hits | (np.arange(4000) % 4 == 0)
    weights = np.where(hits, 1, 4)[kept].astype(np.float32)
    model = fit_model(features[kept], hits[kept], weights, NAMES, 0, n_users=100)
    assert abs(Ranker([model]).probabilities(features).mean() - hits.mean()) < 0.05


def test_the_same_seed_gives_the_same_model() -> None:
    features, hits = data(0)
    weights = np.ones(4000, np.float32)
    first, second = (fit_model(features, hits, weights, NAMES, 5, n_users=100) for _ in range(2))
    assert first == second


def test_averages_its_models() -> None:
    models = [
        fit_model(*data(seed), np.ones(4000, np.float32), NAMES, seed, n_users=100)
        for seed in (0, 1)
    ]
    ranker, (features, _) = Ranker(models), data(2)
    single = [ranker.probabilities(features, number) for number in (0, 1)]
    assert not np.allclose(*single)
    np.testing.assert_allclose(
        ranker.probabilities(features), (single[0] + single[1]) / 2, rtol=1e-5
    )


def test_knows_the_features_and_the_kinds_of_scorers() -> None:
    ranker = Ranker([fit_model(*data(0), np.ones(4000, np.float32), NAMES, 0, n_users=100)])
    assert ranker.features == tuple(NAMES)
    assert ranker.kinds == ["ease"]
