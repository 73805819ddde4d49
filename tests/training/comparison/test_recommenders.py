import numpy as np
import torch

from bitrecall.training.comparison.recommenders import Listed, Popular, Scored
from bitrecall.training.evaluation import inner_product

SEEN = [np.array([0, 2], np.int32), np.array([], np.int32)]


def test_popular_lists_the_first_unseen_items():
    lists = Popular(4).lists(np.array([5, 6]), 3, SEEN)
    assert lists.tolist() == [[1, 3, -1], [0, 1, 2]]


def test_scored_ranks_by_score_then_row_without_seen_items():
    scores = torch.tensor([[9.0, 1, 9, 1, 2], [0, 0, 3, 0, 4]])
    recommender = Scored(lambda users: scores[torch.from_numpy(users)].clone(), 5, 20)
    lists = recommender.lists(np.array([0, 1]), 4, SEEN)
    assert lists.tolist() == [[4, 1, 3, -1], [4, 2, 0, 1]]


def test_scored_computes_the_scores_of_a_bounded_block_of_users(monkeypatch):
    monkeypatch.setattr(inner_product, "_MAX_SCORES", 10)
    sizes = []

    def scores(users):
        sizes.append(len(users))
        return torch.from_numpy(users)[:, None] * torch.arange(5.0)

    lists = Scored(scores, 5, 20).lists(np.arange(5), 1, [np.array([], np.int32)] * 5)
    assert sizes == [2, 2, 1]
    assert lists[:, 0].tolist() == [0, 4, 4, 4, 4]


def test_listed_returns_the_lists_of_the_users():
    listed = Listed(np.array([3, 8, 9]), np.array([[1, 2], [3, 4], [5, -1]], np.int32), 4)
    assert listed.lists(np.array([9, 3]), 1, SEEN).tolist() == [[5], [1]]
