import numpy as np

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.teacher.learned.factor_models import als, low_pass
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from tests.training.teacher.learned.conftest import grouped_matrix, interactions


def test_low_pass_projects_on_the_leading_singular_vectors(
    matrix: np.ndarray, edges: EdgeList
) -> None:
    # All of them: the projection is the identity on the rows, whatever the exponents.
    [(users, items)] = low_pass(interaction_matrix(edges), [10_000], seed=0)
    np.testing.assert_allclose((users @ items.T).numpy(), matrix, atol=1e-3)


def test_a_lower_rank_is_the_start_of_a_higher_one(edges: EdgeList) -> None:
    low, high = low_pass(interaction_matrix(edges), [4, 16], seed=0)
    assert low.users.shape[1] == low.items.shape[1] == 4
    for part, whole in zip(low, high, strict=True):
        assert (part == whole[:, :4]).all()


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
