import numpy as np

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.teacher.learned import candidates as module
from bitrecall.training.teacher.learned.candidates import Candidates, candidates, feature_names
from tests.training.teacher.learned.test_scorer_set import dense, scorers_of


def gathered(blocks: list[Candidates]) -> list[np.ndarray]:
    return [
        np.concatenate([getattr(block, name) for block in blocks])
        for name in ("users", "items", "counts", "features")
    ]


def test_candidates_are_the_best_unseen_items_by_the_sum_of_scores(
    matrix: np.ndarray, edges: EdgeList
) -> None:
    scorers = scorers_of(edges)
    (block,) = candidates(scorers, 6)
    parts = [dense(part, *matrix.shape) for part in scorers.scores(np.arange(len(matrix)))]
    total = np.where(matrix, -np.inf, sum(parts))
    for user, items in enumerate(block.items):
        expected = np.sort(total[user])[::-1][:6]
        np.testing.assert_allclose(total[user, items], expected, rtol=1e-4)
        np.testing.assert_allclose(block.features[user, :, -3], expected, rtol=1e-4)
        assert not matrix[user, items].any()


def test_features_are_scores_ranks_and_counts(matrix: np.ndarray, edges: EdgeList) -> None:
    scorers = scorers_of(edges)
    (block,) = candidates(scorers, 6)
    names = feature_names(scorers)
    assert block.features.shape == (*block.items.shape, len(names))
    for number, part in enumerate(scorers.scores(np.arange(len(matrix)))):
        scores = np.take_along_axis(dense(part, *matrix.shape), block.items.astype(int), 1)
        ranks = (-scores).argsort(axis=1, kind="stable").argsort(axis=1)
        np.testing.assert_allclose(block.features[:, :, 2 * number], scores, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(block.features[:, :, 2 * number + 1], ranks)
    popularity = np.log1p(np.maximum(matrix.sum(axis=0), 1))
    np.testing.assert_allclose(block.features[:, :, -2], popularity[block.items], rtol=1e-5)
    degrees = np.log(np.maximum(matrix.sum(axis=1), 1))
    np.testing.assert_allclose(block.features[:, 0, -1], degrees, rtol=1e-5)


def test_blocks_of_users_do_not_change_the_candidates(edges: EdgeList, monkeypatch) -> None:
    scorers = scorers_of(edges)
    expected = gathered(list(candidates(scorers, 8)))
    monkeypatch.setattr(module, "_BLOCK_BYTES", 4 * edges.n_items * 7)
    blocks = list(candidates(scorers, 8))
    assert len(blocks) > 3
    for found, whole in zip(gathered(blocks), expected, strict=True):
        np.testing.assert_allclose(found, whole, rtol=1e-4, atol=1e-5)


def test_counts_the_unseen_items_of_a_small_catalogue(matrix: np.ndarray, edges: EdgeList) -> None:
    (block,) = candidates(scorers_of(edges))
    assert block.items.shape == (40, 25)
    np.testing.assert_array_equal(block.counts, 25 - matrix.sum(axis=1))
