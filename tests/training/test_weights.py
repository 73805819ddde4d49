"""Weights of interactions in data sets, graphs, teachers and batches."""

import numpy as np
import pytest
import torch

from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import reorder_items
from bitrecall.training.data.read_options import PairWeight
from bitrecall.training.data.split import by_time, cut_validation, random_per_user
from bitrecall.training.errors import DataError
from bitrecall.training.hashing.pair_batches import PairBatches
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.teacher.normalised_pairs import degrees, interaction_matrix
from tests.training.weighted_pairs import some_pairs

pytestmark = pytest.mark.slow


def test_the_weight_of_a_pair_is_the_largest_of_its_rows_or_their_sum():
    rows = ["a"], ["x", "y"], np.zeros(4, np.int32), np.array([0, 1, 0, 0], np.int32)
    weights = np.array([0.2, 1, 0.5, 0.2])
    assert collapse(*rows, weights=weights).weights.tolist() == [np.float32(0.5), 1]
    total = collapse(*rows, weights=weights, pair_weight=PairWeight.SUM).weights
    np.testing.assert_allclose(total, [0.9, 1], rtol=1e-6)
    assert collapse(*rows).weights is None


def test_splitting_and_reordering_keep_the_weight_of_each_pair():
    pairs = some_pairs("some")
    weight_of = dict(zip(zip(pairs.users, pairs.items, strict=True), pairs.weights, strict=True))
    weight_by_ids = {
        (pairs.user_ids[user], pairs.item_ids[item]): weight
        for (user, item), weight in weight_of.items()
    }
    parts = [
        pairs.select(pairs.items % 3 == 0).compact(),
        reorder_items(pairs, np.arange(20)[::-1]),
        pairs.select(by_time(pairs, 0.3)),
        *random_per_user(pairs, 0.3, 1),
        *cut_validation(pairs, 0.3, 1, "latest"),
    ]
    for part in parts:
        assert len(part)
        for user, item, weight in zip(part.users, part.items, part.weights, strict=True):
            assert weight_by_ids[part.user_ids[user], part.item_ids[item]] == weight


def test_the_fingerprint_includes_weights_and_is_unchanged_without_them():
    # The digest of these pairs before weights were introduced.
    pairs = Interactions(["a"], ["x", "y"], np.zeros(2, np.int32), np.arange(2, dtype=np.int32))
    digest = "99a941de224f5ecec03e21ec03b74cdae3bd160ba25d0fb5b7f85c635f2892b5"
    assert pairs.sha256() == digest
    digests = {
        Interactions(
            pairs.user_ids, pairs.item_ids, pairs.users, pairs.items, None, None,
            np.array(weights, np.float32),
        ).sha256()
        for weights in ([1, 1], [1, 2], [2, 1])
    }  # fmt: skip
    assert len(digests | {digest}) == 4


@pytest.mark.parametrize("weight", [0, -1, np.nan, np.inf])
def test_rejects_weights_that_are_not_positive_and_finite(weight):
    with pytest.raises(DataError, match="above 0"):
        some_pairs(weight)


def test_normalises_the_graph_by_sums_of_weights():
    pairs = some_pairs("some")
    dense = np.zeros((30, 20))
    dense[pairs.users, pairs.items] = pairs.weights / pairs.weights.mean(dtype=np.float64)
    with np.errstate(divide="ignore"):
        expected = np.nan_to_num(
            dense / np.sqrt(dense.sum(1))[:, None] / np.sqrt(dense.sum(0)), nan=0, posinf=0
        )
    edges = EdgeList.of(pairs)
    graph = edges.graph()
    np.testing.assert_allclose(graph.users_to_items.to_dense(), expected, rtol=1e-6)
    np.testing.assert_allclose(graph.items_to_users.to_dense(), expected.T, rtol=1e-6)
    kept = torch.arange(len(edges)) % 2 == 0
    dense[pairs.users[1::2], pairs.items[1::2]] = 0
    sums = dense.sum(1), dense.sum(0)
    part = dense / np.sqrt(np.where(sums[0], sums[0], 1))[:, None]
    part /= np.sqrt(np.where(sums[1], sums[1], 1))
    np.testing.assert_allclose(edges.graph(kept).users_to_items.to_dense(), part, rtol=1e-6)


def test_degrees_of_the_teacher_are_sums_of_weights():
    pairs = some_pairs("some")
    matrix = interaction_matrix(pairs)
    of_users, of_items = degrees(matrix)
    np.testing.assert_allclose(of_users, np.asarray(matrix.sum(1)).ravel(), rtol=1e-6)
    np.testing.assert_allclose(of_items, np.asarray(matrix.sum(0)).ravel(), rtol=1e-6)
    same = interaction_matrix(EdgeList.of(pairs))
    assert (matrix != same).nnz == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("by_user", [True, False])
@pytest.mark.parametrize("hidden", [0.0, 0.4])
def test_weights_positives_in_proportion_to_their_pairs(by_user, hidden):
    pairs = some_pairs("some")
    batches = PairBatches(
        EdgeList.of(pairs), torch.from_numpy(pairs.user_degrees), size=10, hidden=hidden,
        by_user=by_user, seed=1,
    )  # fmt: skip
    batch = batches.batch(0, 0)
    rows = batch.users[batch.positives.users].numpy()
    weight_of = dict(
        zip(zip(pairs.users, pairs.items, strict=True), pairs.weights.astype(float), strict=True)
    )
    pair_weights = np.array(
        [weight_of[pair] for pair in zip(rows, batch.positives.items.numpy(), strict=True)]
    )
    expected = pair_weights / pair_weights.sum()
    if by_user:
        sums = np.bincount(rows, pair_weights, 30)
        expected = pair_weights / sums[rows] / (sums > 0).sum()
    np.testing.assert_allclose(batch.weights, expected, rtol=1e-5)
