import numpy as np
import pytest
import torch

from bitrecall.training.hashing.list_batches import ListBatches
from bitrecall.training.metrics import OUTSIDE
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.teacher_lists import TeacherLists, positive_weights

ITEMS = 12


@pytest.fixture
def edges() -> EdgeList:
    generator = np.random.default_rng(3)
    users, items = np.nonzero(generator.random((10, ITEMS)) < 0.3)
    kept = users != 4  # a user without pairs
    return EdgeList(users[kept], items[kept], 10, ITEMS)


@pytest.fixture
def lists(edges) -> TeacherLists:
    """Three items per user, two for user 5; each has half the score of the previous one."""
    items = np.full((10, 3), OUTSIDE, dtype=np.int32)
    for user in range(10):
        seen = set(edges.items[edges.users == user].tolist())
        items[user] = [item for item in range(ITEMS) if item not in seen][:3]
    items[5, 2] = OUTSIDE
    counts = (items != OUTSIDE).sum(axis=1)
    return TeacherLists(items, np.tile(np.float32([4, 2, 1]), (10, 1)), counts)


def batches(edges, lists, **choices) -> ListBatches:
    recipe = TeacherRecipe(length=3, **choices)
    weights = positive_weights(lists, edges.user_starts.diff().numpy(), recipe)
    return ListBatches(edges, edges.user_starts.diff(), lists, weights, size=4, seed=0)


def by_user(batch, pairs) -> dict[int, list[int]]:
    return {
        user: pairs.items[pairs.users == place].tolist()
        for place, user in enumerate(batch.users.tolist())
    }


def test_ranks_the_lists_and_excludes_the_pairs(edges, lists):
    made = batches(edges, lists)
    users = []
    for step in range(len(made)):
        batch = made.batch(0, step)
        users += batch.users.tolist()
        for user, items in by_user(batch, batch.positives).items():
            assert items == [item for item in lists.items[user] if item != OUTSIDE]
        for user, items in by_user(batch, batch.excluded).items():
            assert items == edges.items[edges.users == user].tolist()
        assert batch.graph is made.full_graph
    assert sorted(users) == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_weights_fall_along_the_list_and_sum_to_one(edges, lists):
    batch = batches(edges, lists).batch(0, 0)
    assert batch.weights.sum().item() == pytest.approx(1)
    first = batch.weights[batch.positives.users == 0].tolist()
    power = TeacherRecipe().discount_power
    expected = 0.5 ** (power * np.arange(len(first)))
    assert np.allclose(np.array(first) / first[0], expected)


def test_ranks_pairs_with_a_weight(edges, lists):
    made = batches(edges, lists, pairs=0.25)
    batch = made.batch(0, 0)
    assert batch.excluded is None
    for place, user in enumerate(batch.users.tolist()):
        seen = edges.items[edges.users == user]
        of_user = batch.positives.users == place
        assert set(seen.tolist()) <= set(batch.positives.items[of_user].tolist())
        is_seen = torch.isin(batch.positives.items, seen) & of_user
        share = batch.weights[is_seen].sum() / batch.weights[of_user].sum()
        assert share.item() == pytest.approx(0.25)


def test_a_batch_depends_only_on_seed_epoch_and_step(edges, lists):
    first, second = batches(edges, lists), batches(edges, lists)
    second.batch(3, 1)
    assert torch.equal(first.batch(1, 0).users, second.batch(1, 0).users)
    assert not torch.equal(first.batch(0, 0).users, first.batch(1, 0).users)
