import numpy as np
import scipy.sparse as sp

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.ease import EaseScorer
from bitrecall.training.teacher.learned import item_models
from bitrecall.training.teacher.learned.item_models import (
    ease,
    item_knn,
    random_walk,
    strongest,
    transitions,
)
from bitrecall.training.teacher.normalised_pairs import interaction_matrix


def without_diagonal(dense: np.ndarray) -> np.ndarray:
    return dense * (1 - np.eye(len(dense)))


def test_item_knn_has_shrunk_cosines(matrix: np.ndarray, edges: EdgeList) -> None:
    dense = matrix.astype(float)
    lengths = np.sqrt(np.maximum(dense.sum(axis=0), 1))
    expected = (dense.T @ dense) / (np.outer(lengths, lengths) + 10)
    found = item_knn(interaction_matrix(edges)).toarray()
    np.testing.assert_allclose(found, without_diagonal(expected), rtol=1e-5)


def test_random_walk_has_probabilities_over_popularity(matrix: np.ndarray, edges: EdgeList) -> None:
    dense = matrix.astype(float)
    users, items = (np.maximum(dense.sum(axis=axis), 1) for axis in (1, 0))
    expected = (dense.T / items[:, None]) @ (dense / users[:, None]) / items**0.6
    found = random_walk(interaction_matrix(edges)).toarray()
    np.testing.assert_allclose(found, without_diagonal(expected), rtol=1e-5)


def test_transitions_count_what_comes_soon_after(edges: EdgeList) -> None:
    assert edges.ages is not None
    n_items = edges.n_items
    expected = np.zeros((n_items, n_items))
    users, items, ages = (part.numpy() for part in (edges.users, edges.items, edges.ages))
    for user in range(edges.n_users):
        history = items[users == user][np.argsort(-ages[users == user])]
        for place, item in enumerate(history):
            for gap, later in enumerate(history[place + 1 : place + 11]):
                expected[item, later] += np.exp(-gap / 3)
    lengths = np.sqrt(np.maximum(np.bincount(items, minlength=n_items), 1))
    expected /= np.outer(lengths, lengths) + 5
    found = transitions(interaction_matrix(edges), ages).toarray()
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_ease_equals_the_teacher_of_that_kind(edges: EdgeList) -> None:
    matrix = interaction_matrix(edges)
    recipe = TeacherRecipe(kind="ease", regularisation=3.0)
    expected = EaseScorer(matrix, recipe, seed=0).scores(np.arange(edges.n_users)).numpy()
    np.testing.assert_allclose((matrix @ ease(matrix, 3.0)).toarray(), expected, atol=1e-4)


def test_keeps_the_strongest_of_each_row() -> None:
    dense = np.random.default_rng(0).random((30, 12)) * (
        np.random.default_rng(1).random((30, 12)) < 0.6
    )
    kept = strongest(sp.csr_matrix(dense.astype(np.float32)), 3).toarray()
    for before, after in zip(dense, kept, strict=True):
        expected = np.sort(before)[::-1][:3]
        np.testing.assert_allclose(np.sort(after)[::-1][:3], expected, rtol=1e-6)
        assert np.count_nonzero(after) == np.count_nonzero(expected)


def test_blocks_of_rows_do_not_change_the_result(edges: EdgeList, monkeypatch) -> None:
    matrix = interaction_matrix(edges)
    expected = [model(matrix).toarray() for model in (item_knn, random_walk)]
    monkeypatch.setattr(item_models, "_MAX_PRODUCTS", 20)
    for dense, model in zip(expected, (item_knn, random_walk), strict=True):
        np.testing.assert_array_equal(model(matrix).toarray(), dense)
