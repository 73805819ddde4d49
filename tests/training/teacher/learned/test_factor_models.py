import numpy as np
import torch

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.teacher.learned.factor_models import als, low_pass, scores_of_ranks
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from tests.training.teacher.learned.conftest import grouped_matrix, interactions


def test_low_pass_projects_on_the_leading_singular_vectors(
    matrix: np.ndarray, edges: EdgeList
) -> None:
    # All of them: the projection is the identity on the rows, whatever the exponents.
    users, items = low_pass(interaction_matrix(edges), 10_000, seed=0)
    np.testing.assert_allclose((users @ items.T).numpy(), matrix, atol=1e-3)


def test_scores_of_lower_ranks_use_the_first_columns(edges: EdgeList) -> None:
    factors = low_pass(interaction_matrix(edges), 16, seed=0)
    rows = torch.tensor([3, 0])
    # There are 16 columns.
    parts = scores_of_ranks(factors, rows, [4, 9, 40])
    for rank, scores in zip([4, 9, 16], parts, strict=True):
        expected = factors.users[rows, :rank] @ factors.items[:, :rank].T
        np.testing.assert_allclose(scores.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)


def test_als_scores_items_of_a_users_group_higher() -> None:
    dense = grouped_matrix()
    edges = EdgeList.of(interactions(dense))
    users, items = als(interaction_matrix(edges), seed=0, threads=1)
    scores = (users @ items.T).numpy()
    same = (np.arange(300) % 4)[:, None] == np.arange(60) % 4
    assert scores[same & ~dense].mean() > 2 * scores[~same & ~dense].mean()


def test_als_is_the_same_for_the_same_seed(edges: EdgeList) -> None:
    matrix = interaction_matrix(edges)
    first, second = (als(matrix, seed=3, threads=1) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
