import numpy as np
import pytest

from bitrecall.training.model.graph import EdgeList
from bitrecall.training.teacher.learned.histories import DECAYS, histories
from bitrecall.training.teacher.normalised_pairs import interaction_matrix


def test_newer_items_weigh_more(edges: EdgeList) -> None:
    assert edges.ages is not None
    matrix = interaction_matrix(edges)
    every, *decayed = histories(matrix, edges.ages.numpy())
    assert every.matrix is matrix
    for decay, history in zip(DECAYS, decayed, strict=True):
        for user in range(matrix.shape[0]):
            of_user = edges.users.numpy() == user
            for item, age in zip(
                edges.items.numpy()[of_user], edges.ages.numpy()[of_user], strict=True
            ):
                expected = np.exp(-age / decay)
                assert history.matrix[user, item] == pytest.approx(expected, rel=1e-6)


def test_without_order_there_is_one_history(edges: EdgeList) -> None:
    assert [history.name for history in histories(interaction_matrix(edges), None)] == ["all"]
