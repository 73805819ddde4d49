import numpy as np
import pytest

from bitrecall.training.teacher.learned.scorer_selection import Rows, select_scorers

NAMES = [
    *("good/score", "good/rank", "copy/score", "copy/rank", "noise/score", "noise/rank"),
    *("sum_of_scores", "log_popularity"),
]
KINDS = ["good", "copy", "noise"]


def rows(seed: int, n: int = 20_000) -> Rows:
    """Hits follow "good", of which "copy" is a copy."""
    rng = np.random.default_rng(seed)
    good, noise = rng.random((2, n)).astype(np.float32)
    hits = rng.random(n) < good**2 / 2
    total = 2 * good + noise
    columns = [good, -good, good, -good, noise, -noise, total, rng.random(n)]
    return Rows(np.stack(columns, 1).astype(np.float32), hits, np.ones(n, np.float32), 1000)


def test_leaves_out_noise_and_one_of_two_equal_scorers() -> None:
    added = select_scorers((rows(0), rows(1)), NAMES, KINDS, seed=0)
    assert len(added) == 1
    assert "noise" not in added
    assert next(iter(added.values())) > 0.5


def test_keeps_a_scorer_that_is_the_only_one() -> None:
    assert list(select_scorers((rows(0), rows(1)), NAMES, ["noise"], seed=0)) == ["noise"]


def test_the_sum_of_scores_has_only_the_scores_that_are_kept() -> None:
    features, names = rows(0).of_kinds(NAMES, ["copy", "noise"])
    assert names == [*NAMES[2:6], "sum_of_scores", "log_popularity"]
    expected = features.features[:, 0] + features.features[:, 2]
    assert features.features[:, names.index("sum_of_scores")] == pytest.approx(expected)


def test_a_sample_has_all_hits_and_the_weight_of_all_rows() -> None:
    every = rows(0, 1000)
    sample = every.sample(300)
    assert sample.hits.sum() == every.hits.sum()
    assert (~sample.hits).sum() <= 300
    assert sample.weights.sum() == pytest.approx(every.weights.sum(), rel=0.02)
    assert len(every.sample(1000).hits) == 1000
