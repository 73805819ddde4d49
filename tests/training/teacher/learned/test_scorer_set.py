import numpy as np
import pytest
import torch

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.learned import scorer_set as module
from bitrecall.training.teacher.learned.scorer_set import ScorerSet, SparseScores
from bitrecall.training.teacher.normalised_pairs import interaction_matrix


def dense(part: SparseScores | torch.Tensor, n_users: int, n_items: int) -> np.ndarray:
    if isinstance(part, torch.Tensor):
        return part.numpy()
    scores = np.zeros((n_users, n_items), np.float32)
    scores[part.rows.numpy(), part.items.numpy()] = part.values.numpy()
    return scores


def scorers_of(edges: EdgeList, *, ordered: bool = True) -> ScorerSet:
    ages = edges.ages.numpy() if ordered and edges.ages is not None else None
    return ScorerSet(interaction_matrix(edges), ages, TeacherRecipe(), seed=0)


@pytest.mark.parametrize("ordered", [True, False])
def test_every_score_has_a_name_and_a_root_mean_square_of_1(edges: EdgeList, ordered: bool) -> None:
    scorers = scorers_of(edges, ordered=ordered)
    users = np.arange(edges.n_users)
    parts = scorers.scores(users)
    assert len(scorers.names) == len(set(scorers.names)) == len(parts) == (18 if ordered else 9)
    with_items = np.diff(scorers.matrix.indptr) > 0
    for part in parts:
        size = np.sqrt((dense(part, edges.n_users, edges.n_items) ** 2).mean(axis=1))
        np.testing.assert_allclose(size[with_items & (size > 0)], 1, rtol=1e-4)


def test_scores_of_some_users_are_those_of_all(edges: EdgeList) -> None:
    scorers = scorers_of(edges)
    shape = edges.n_users, edges.n_items
    every = scorers.scores(np.arange(edges.n_users))
    some = scorers.scores(np.array([7, 3]))
    for part, part_of_all in zip(some, every, strict=True):
        expected = dense(part_of_all, *shape)[[7, 3]]
        np.testing.assert_allclose(dense(part, 2, shape[1]), expected, rtol=1e-5, atol=1e-6)


def test_leaves_out_ease_for_large_catalogues(edges: EdgeList, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_EASE_ITEMS", edges.n_items - 1)
    scorers = scorers_of(edges)
    assert "ease" not in scorers.seconds
    assert {"item_knn", "random_walk", "transitions", "als", "low_pass"} == set(scorers.seconds)
