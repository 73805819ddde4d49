from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.baselines.pair_sampler import PairSampler
from bitrecall.training.errors import TrainingError
from bitrecall.training.model.graph import EdgeList

pytestmark = pytest.mark.slow


def edge_list(matrix: np.ndarray) -> EdgeList:
    users, items = np.nonzero(matrix)
    return EdgeList(users, items, *matrix.shape)


def sampler(matrix: np.ndarray, size: int = 7, negatives: int = 2, seed: int = 0) -> PairSampler:
    return PairSampler(edge_list(matrix), size=size, negatives=negatives, seed=seed)


@st.composite
def matrices(draw):
    users, items = draw(st.integers(1, 8)), draw(st.integers(2, 9))
    flags = draw(st.lists(st.booleans(), min_size=users * items, max_size=users * items))
    matrix = np.array(flags).reshape(users, items)
    # At least one user has an item, and an item is left to draw.
    matrix[0, 0], matrix[0, 1] = True, False
    return matrix


@settings(max_examples=60, deadline=None)
@given(matrices(), st.integers(1, 5), st.integers(1, 4), st.integers(0, 9))
def test_negatives_are_never_items_of_their_user(matrix, size, negatives, seed):
    made = sampler(matrix, size, negatives, seed)
    for step in range(len(made)):
        batch = made.batch(1, step)
        assert batch.negatives.shape == (len(batch.users), negatives)
        assert bool((batch.negatives >= 0).all())
        assert bool((batch.negatives < matrix.shape[1]).all())
        assert not matrix[batch.users[:, None], batch.negatives].any()
        assert matrix[batch.users, batch.positives].all()


@settings(max_examples=40, deadline=None)
@given(matrices(), st.integers(1, 5))
def test_an_epoch_uses_each_pair_once_except_of_users_with_all_items(matrix, size):
    made = sampler(matrix, size)
    seen = Counter()
    for step in range(len(made)):
        batch = made.batch(0, step)
        assert 0 < len(batch.users) <= size
        seen.update(zip(batch.users.tolist(), batch.positives.tolist(), strict=True))
    expected = {
        (user, item)
        for user, item in zip(*(axis.tolist() for axis in np.nonzero(matrix)), strict=True)
        if not matrix[user].all()
    }
    assert seen == Counter(expected)


def test_draws_each_unseen_item_equally_often():
    matrix = np.zeros((2, 9), dtype=bool)
    matrix[0, [0, 3, 4, 8]] = matrix[1, [5]] = True
    made = sampler(matrix, size=5, negatives=4000)
    batch = made.batch(0, 0)
    for user in (0, 1):
        drawn = batch.negatives[batch.users == user].flatten()
        counts = torch.bincount(drawn, minlength=9).double()
        share = counts[~torch.from_numpy(matrix[user])] / len(drawn)
        missing = int((~matrix[user]).sum())
        np.testing.assert_allclose(share, np.full(missing, 1 / missing), rtol=0.15)


def test_a_batch_depends_only_on_seed_epoch_and_step():
    matrix = np.random.default_rng(0).random((30, 40)) < 0.2
    made = sampler(matrix)
    made.batch(1, 0)
    first, again = made.batch(3, 2), sampler(matrix).batch(3, 2)
    assert torch.equal(first.items, again.items)
    for other in (made.batch(3, 3), made.batch(4, 2), sampler(matrix, seed=1).batch(3, 2)):
        assert not torch.equal(first.positives, other.positives)
        assert not torch.equal(first.negatives, other.negatives)


def test_rejects_pairs_without_unseen_items():
    with pytest.raises(TrainingError, match="every user has every item"):
        sampler(np.ones((3, 4), dtype=bool))
