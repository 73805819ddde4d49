import numpy as np
import pytest
import torch

from bitrecall.training.hashing.pair_batches import PairBatches
from bitrecall.training.model.graph import EdgeList


@pytest.fixture
def edges() -> EdgeList:
    generator = np.random.default_rng(1)
    users, items = np.nonzero(generator.random((30, 25)) < 0.3)
    kept = users != 7  # a user without pairs
    return EdgeList(users[kept], items[kept], 30, 25)


def batches(
    edges: EdgeList, hidden: float = 0.5, by_user: bool = False, seed: int = 0
) -> PairBatches:
    return PairBatches(
        edges, edges.user_starts.diff(), size=8, hidden=hidden, by_user=by_user, seed=seed
    )


def listed(pairs, users) -> set[tuple[int, int]]:
    return set(zip(users[pairs.users].tolist(), pairs.items.tolist(), strict=True))


def all_pairs(edges: EdgeList, users) -> set[tuple[int, int]]:
    chosen = set(users.tolist())
    pairs = zip(edges.users.tolist(), edges.items.tolist(), strict=True)
    return {(user, item) for user, item in pairs if user in chosen}


def test_an_epoch_uses_each_user_with_pairs_once(edges):
    made = batches(edges)
    users = torch.cat([made.batch(0, step).users for step in range(len(made))])
    assert sorted(users.tolist()) == [user for user in range(30) if user != 7]
    other = torch.cat([made.batch(1, step).users for step in range(len(made))])
    assert users.tolist() != other.tolist()


def test_ranks_hidden_pairs_and_keeps_the_others_in_the_graph(edges):
    batch = batches(edges).batch(0, 1)
    positives = listed(batch.positives, batch.users)
    excluded = listed(batch.excluded, batch.users)
    assert positives
    assert excluded
    assert positives.isdisjoint(excluded)
    assert positives | excluded == all_pairs(edges, batch.users)
    graph = batch.graph.users_to_items.to_dense()
    in_graph = set(
        zip(*(axis.tolist() for axis in torch.nonzero(graph, as_tuple=True)), strict=True)
    )
    assert in_graph == set(zip(edges.users.tolist(), edges.items.tolist(), strict=True)) - positives


def test_without_hidden_pairs_ranks_all_pairs_in_the_full_graph(edges):
    made = batches(edges, hidden=0.0)
    batch = made.batch(0, 0)
    assert listed(batch.positives, batch.users) == all_pairs(edges, batch.users)
    assert batch.excluded is None
    assert batch.graph is made.full_graph


def test_a_batch_depends_only_on_seed_epoch_and_step(edges):
    first, again = batches(edges).batch(3, 2), batches(edges).batch(3, 2)
    assert torch.equal(first.users, again.users)
    assert torch.equal(first.positives.items, again.positives.items)
    other = batches(edges, seed=1).batch(3, 2)
    assert not torch.equal(first.users, other.users)


def test_weights_sum_to_one_by_pair_and_by_user(edges):
    by_pair, by_user = batches(edges).batch(0, 0), batches(edges, by_user=True).batch(0, 0)
    assert by_pair.weights.sum().item() == pytest.approx(1)
    assert len(by_pair.weights.unique()) == 1
    per_user = torch.zeros(8).index_add(0, by_user.positives.users, by_user.weights)
    active = per_user > 0
    np.testing.assert_allclose(per_user[active], 1 / int(active.sum()), rtol=1e-6)


def test_samples_contain_the_head_and_a_repeatable_draw_of_other_items(edges):
    made = batches(edges)
    sample = made.sample(25, 3, 10, 2, 1)
    rows = sample.rows.tolist()
    assert rows[:3] == [0, 1, 2]
    assert len(set(rows)) == 13
    assert max(rows) < 25
    assert torch.equal(sample.drawn, made.sample(25, 3, 10, 2, 1).drawn)
    assert not torch.equal(sample.drawn, made.sample(25, 3, 10, 2, 2).drawn)


def test_a_sample_of_the_whole_catalogue_is_none(edges):
    assert batches(edges).sample(25, 20, 5, 0, 0) is None
