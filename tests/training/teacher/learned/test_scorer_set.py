import numpy as np
import pytest
import torch

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.teacher_section import TeacherLightGCNRecipe, TeacherRecipe
from bitrecall.training.teacher.learned import scorer_set as module
from bitrecall.training.teacher.learned.scorer_set import KINDS, ScorerSet, SparseScores
from bitrecall.training.teacher.normalised_pairs import interaction_matrix

RECIPE = TeacherRecipe(lightgcn=TeacherLightGCNRecipe(dimensions=4, epochs=2))


def dense(part: SparseScores | torch.Tensor, n_users: int, n_items: int) -> np.ndarray:
    if isinstance(part, torch.Tensor):
        return part.numpy()
    scores = np.zeros((n_users, n_items), np.float32)
    scores[part.rows.numpy(), part.items.numpy()] = part.values.numpy()
    return scores


def scorers_of(edges: EdgeList, *, ordered: bool = True) -> ScorerSet:
    ages = edges.ages.numpy() if ordered and edges.ages is not None else None
    return ScorerSet(interaction_matrix(edges), ages, RECIPE, seed=0)


@pytest.mark.parametrize("ordered", [True, False])
def test_every_score_has_a_name_and_a_root_mean_square_of_1(edges: EdgeList, ordered: bool) -> None:
    scorers = scorers_of(edges, ordered=ordered)
    users = np.arange(edges.n_users)
    parts = scorers.scores(users)
    assert len(scorers.names) == len(set(scorers.names)) == len(parts) == (19 if ordered else 10)
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


def test_trains_lightgcn_instead_of_ease_for_large_catalogues(edges: EdgeList, monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_EASE_ITEMS", edges.n_items - 1)
    scorers = scorers_of(edges)
    assert "ease" not in scorers.seconds
    assert set(scorers.seconds) == set(KINDS) - {"ease"}


def test_returns_lightgcn_embeddings_and_starts_from_them(edges: EdgeList, monkeypatch) -> None:
    assert scorers_of(edges).free is None
    monkeypatch.setattr(module, "MAX_EASE_ITEMS", edges.n_items - 1)
    earlier = scorers_of(edges).free
    assert earlier is not None
    assert earlier.users.shape == (edges.n_users, 4)
    one = TeacherRecipe(lightgcn=TeacherLightGCNRecipe(dimensions=4, epochs=1, learning_rate=1e-9))
    options = {"seed": 0, "kinds": ["lightgcn"], "start": earlier}
    later = ScorerSet(interaction_matrix(edges), None, one, **options).free
    assert later is not None
    np.testing.assert_allclose(later.items, earlier.items, atol=1e-6)


@pytest.mark.parametrize(
    ("limit", "kind"),
    [("MAX_FILTER_PRODUCTS", "linear_filter"), ("MAX_LIGHTGCN_PAIRS", "lightgcn")],
)
def test_leaves_out_scorers_that_would_take_too_long(
    edges: EdgeList, monkeypatch, limit: str, kind: str
) -> None:
    monkeypatch.setattr(module, "MAX_EASE_ITEMS", edges.n_items - 1)
    monkeypatch.setattr(module, limit, 1)
    assert set(scorers_of(edges).seconds) == set(KINDS) - {"ease", kind}


@pytest.mark.parametrize(("seconds", "left_out"), [(1e6, set()), (1e-9, {"ease"})])
def test_leaves_out_ease_if_time_is_short(edges: EdgeList, seconds, left_out) -> None:
    matrix = interaction_matrix(edges)
    found = ScorerSet(matrix, edges.ages.numpy(), RECIPE, seed=0, seconds=seconds).seconds
    assert set(found) == set(KINDS) - {"lightgcn"} - left_out
    # A ranker of earlier scorers needs the same ones.
    kept = ScorerSet(matrix, None, RECIPE, seed=0, seconds=seconds, kinds=["ease", "als"])
    assert set(kept.seconds) == {"ease", "als"}
