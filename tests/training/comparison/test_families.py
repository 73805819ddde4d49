"""Each family against a slow, obvious computation on a small dense matrix."""

import numpy as np
import pytest
import scipy.sparse as sp

from bitrecall.training.comparison import family as family_module
from bitrecall.training.comparison.families import FAMILIES, Als, Ease, ItemKNN, Popularity, RP3Beta

DENSE = (np.random.default_rng(0).random((40, 25)) < 0.3).astype(float)
DENSE = DENSE[:, np.argsort(-DENSE.sum(axis=0), kind="stable")]
MATRIX = sp.csr_matrix(DENSE, dtype=np.float32)
USERS = np.arange(40)
SEEN = [np.flatnonzero(row).astype(np.int32) for row in DENSE]


def ranked(scores):
    """Rank unseen items by score, equal scores by row, 10 per user."""
    scores = np.where(DENSE > 0, -np.inf, np.round(scores, 5))
    return np.argsort(-scores, axis=1, kind="stable")[:, :10]


def lists(family, setting):
    return family.fit(MATRIX, setting, seed=0).lists(USERS, 10, SEEN)


def test_popularity_ranks_by_the_number_of_interactions():
    expected = ranked(np.tile(DENSE.sum(axis=0), (40, 1)))
    np.testing.assert_array_equal(lists(Popularity(), {}), expected)


@pytest.mark.parametrize(("shrinkage", "neighbours"), [(0, 24), (7, 24), (2, 6)])
def test_item_knn_sums_the_similarities_to_the_nearest_neighbours(shrinkage, neighbours):
    # Of equal similarities any may be a neighbour; with weights, none are equal.
    dense = DENSE * np.random.default_rng(1).uniform(0.5, 2, DENSE.shape)
    lengths = np.sqrt(dense.sum(axis=0))
    similarities = dense.T @ dense / (np.outer(lengths, lengths) + shrinkage)
    np.fill_diagonal(similarities, 0)
    expected = np.zeros_like(dense)
    for item, row in enumerate(similarities):
        nearest = np.argsort(-row)[:neighbours]
        expected[:, item] = dense[:, nearest] @ row[nearest]
    setting = {"shrinkage": shrinkage, "neighbours": neighbours}
    recommender = ItemKNN().fit(sp.csr_matrix(dense, dtype=np.float32), setting, seed=0)
    np.testing.assert_allclose(recommender.scores(USERS).numpy(), expected, rtol=1e-4, atol=1e-5)
    assert recommender.bytes_per_item <= 8 * neighbours


def test_rp3beta_sums_the_transitions_from_the_users_items():
    setting = {"beta": 0.3, "alpha": 0.5, "neighbours": 24}
    expected = np.zeros_like(DENSE)
    users, items = DENSE.sum(axis=1), DENSE.sum(axis=0)
    for user, source in np.argwhere(DENSE):
        for target in range(25):
            if source != target:
                steps = DENSE[:, source] * DENSE[:, target] / np.sqrt(users * items[source])
                expected[user, target] += steps.sum() / items[target] ** 0.3
    recommender = RP3Beta().fit(MATRIX, setting, seed=0)
    np.testing.assert_allclose(recommender.scores(USERS).numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("matrix", [DENSE, DENSE.T], ids=["fewer items", "fewer users"])
def test_ease_equals_the_dense_inverse(matrix):
    inverse = np.linalg.inv(matrix.T @ matrix + 3 * np.eye(matrix.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    sparse = sp.csr_matrix(matrix, dtype=np.float32)
    recommender = Ease().fit(sparse, {"lambda": 3}, seed=0)
    rows = np.arange(len(matrix))
    np.testing.assert_allclose(recommender.scores(rows).numpy(), matrix @ weights, atol=1e-4)
    assert recommender.bytes_per_item == 4 * matrix.shape[1]


def test_als_solves_its_least_squares_problem():
    setting = {"factors": 25, "regularisation": 0.5, "alpha": 4}
    recommender = Als().fit(MATRIX, setting, seed=0)
    # Confidence alpha for interactions and 1 for the others: with as many factors as items and
    # little regularisation, interactions get scores near 1.
    scores = recommender.scores(USERS).numpy()
    assert scores[DENSE > 0].mean() > 0.8
    assert scores[DENSE == 0].mean() < 0.2
    assert recommender.bytes_per_item == 100
    assert Als().title(setting) == "ALS, 25 floats"


def test_als_takes_its_settings():
    setting = {"factors": 8, "regularisation": 1, "alpha": 4}
    plain = Als().fit(MATRIX, setting, seed=0).scores(USERS)
    again = Als().fit(MATRIX, setting, seed=0).scores(USERS)
    shrunk = Als().fit(MATRIX, {**setting, "regularisation": 100}, seed=0).scores(USERS)
    assert (plain == again).all()
    assert shrunk.abs().mean() < plain.abs().mean() / 2


def test_ease_does_not_invert_a_matrix_that_is_too_large(monkeypatch):
    monkeypatch.setattr(family_module, "free_mib", lambda: None)
    large = sp.csr_matrix((20_000, 17_000), dtype=np.float32)
    setting = Ease().default()
    assert "17,000 × 17,000 numbers, and 16,384 × 16,384 is the limit" in (
        Ease().obstacle(large, setting)
    )
    assert Ease().obstacle(sp.csr_matrix((20_000, 16_384), dtype=np.float32), setting) is None
    assert Ease().obstacle(sp.csr_matrix((1_000, 17_000), dtype=np.float32), setting) is None


def test_ease_does_not_run_without_free_memory(monkeypatch):
    matrix = sp.csr_matrix((20_000, 10_000), dtype=np.float32)
    monkeypatch.setattr(family_module, "free_mib", lambda: 1526)
    assert Ease().obstacle(matrix, Ease().default()) is None
    monkeypatch.setattr(family_module, "free_mib", lambda: 1000)
    assert (
        Ease()
        .obstacle(matrix, Ease().default())
        .endswith("10,000 × 10,000 numbers; it takes up to 1,525 MiB of memory; 1,000 MiB are free")
    )


@pytest.mark.parametrize(
    ("family", "small", "large"),
    [
        (ItemKNN(), {"shrinkage": 0, "neighbours": 50}, {"shrinkage": 0, "neighbours": 500}),
        (RP3Beta(), RP3Beta().default() | {"neighbours": 50}, RP3Beta().default()),
        (Als(), Als().default(), Als().default() | {"factors": 256}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_settings_that_need_too_much_memory_have_an_obstacle(monkeypatch, family, small, large):
    matrix = sp.csr_matrix((400_000, 300_000), dtype=np.float32)
    monkeypatch.setattr(family_module, "free_mib", lambda: 400)
    assert family.obstacle(matrix, small) is None
    assert "MiB of memory; 400 MiB are free" in family.obstacle(matrix, large)
    assert Popularity().obstacle(matrix, {}) is None


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_larger_matrix_is_expected_to_take_longer(family):
    setting = family.default()
    assert set(setting) == set(family.axes)
    small = family.expected_seconds(MATRIX, setting)
    large = family.expected_seconds(sp.csr_matrix(sp.kron(sp.eye(3), MATRIX)), setting)
    assert large > small if family.axes else large == small == 0


def test_a_complete_search_tries_the_default_the_promising_and_each_other_value():
    assert [family.max_trials for family in FAMILIES] == [0, 6, 7, 4, 9]
    for family in FAMILIES:
        for setting in family.promising:
            assert {name: setting[name] in values for name, values in family.axes.items()} == (
                dict.fromkeys(setting, True)
            )
