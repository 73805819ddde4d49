from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import bitrecall.training.evaluation.inner_product as scoring
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.split import random_per_user
from bitrecall.training.errors import EvaluationError
from bitrecall.training.evaluation.inner_product import rank, score
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics
from bitrecall.training.model.method import Embeddings


def embeddings(n_users: int, n_items: int, values: int = 0) -> Embeddings:
    """Random ones; with ``values``, of so many whole numbers alone, so that scores tie."""
    generator = torch.Generator().manual_seed(0)
    if values:
        users = torch.randint(values, (n_users, 3), generator=generator).float()
        items = torch.randint(values, (n_items, 3), generator=generator).float()
    else:
        users = torch.randn(n_users, 3, generator=generator)
        items = torch.randn(n_items, 3, generator=generator)
    return Embeddings(users, items, [items], "inner_product")


def slow_rank(scores, depth, exclude):
    ranked = np.full((len(scores), depth), OUTSIDE)
    for user, row in enumerate(scores):
        hidden = set(exclude[user].tolist())
        listed = [item for item in range(len(row)) if item not in hidden]
        listed.sort(key=lambda item: (-row[item], item))
        ranked[user, : len(listed)] = listed[:depth]
    return ranked


@settings(deadline=None)
@given(
    n_users=st.integers(0, 6),
    n_items=st.integers(1, 12),
    depth=st.integers(1, 15),
    seed=st.integers(0, 1000),
    values=st.integers(1, 4),
)
def test_equals_a_slow_ranking_with_ties_and_exclusions(n_users, n_items, depth, seed, values):
    generator = np.random.default_rng(seed)
    users = generator.integers(-values, values, (n_users, 3)).astype(np.float32)
    items = generator.integers(-values, values, (n_items, 3)).astype(np.float32)
    exclude = [
        np.flatnonzero(generator.random(n_items) < generator.random()).astype(np.int32)
        for _ in range(n_users)
    ]
    actual = rank(torch.from_numpy(users), torch.from_numpy(items), depth, exclude)
    np.testing.assert_array_equal(actual, slow_rank(users @ items.T, depth, exclude))


def test_the_block_size_does_not_change_the_ranking(monkeypatch):
    made = embeddings(50, 30, values=3)
    exclude = [np.arange(user % 7, dtype=np.int32) for user in range(50)]
    whole = rank(made.users, made.items, 10, exclude)
    monkeypatch.setattr(scoring, "_MAX_SCORES", 100)
    np.testing.assert_array_equal(rank(made.users, made.items, 10, exclude), whole)


def test_the_score_is_that_of_a_slow_ranking_with_ties_to_the_more_popular(clustered):
    train, test = random_per_user(clustered, 0.3, seed=0)
    train = train.compact()
    made = embeddings(train.n_users, train.n_items, values=3)
    actual = score(made, train, test, (5, 20))

    scores = (made.users @ made.items.T).numpy()
    popularity = train.item_degrees
    rows = {item: row for row, item in enumerate(train.item_ids)}
    recalls = []
    for user in np.flatnonzero(test.user_degrees):
        row = train.user_ids.index(test.user_ids[user])
        seen = set(train.items_of(row).tolist())
        listed = [item for item in range(train.n_items) if item not in seen]
        listed.sort(key=lambda item: (-scores[row, item], -popularity[item], item))
        expected = {rows.get(test.item_ids[item], OUTSIDE) for item in test.items_of(user)}
        recalls.append(len(expected.intersection(listed[:20])) / len(expected))
    assert actual["recall@20"] == pytest.approx(np.mean(recalls), abs=1e-12)
    assert {"ndcg@5", "coverage@20", "mean_popularity@5"} <= set(actual)


def test_bgch_ndcg_uses_lists_of_its_depth(clustered):
    train, test = random_per_user(clustered, 0.3, seed=0)
    made = embeddings(train.n_users, train.n_items)
    actual = score(made, train, test, (5,), bgch_depth=30)

    order = np.argsort(-train.item_degrees, kind="stable")
    place = np.argsort(order)
    scores = (made.users @ made.items.T).numpy()[:, order]
    seen = [np.sort(place[train.items_of(user)]).astype(np.int32) for user in range(train.n_users)]
    metrics = RankingMetrics((5,), train.n_items, train.item_degrees[order], bgch_depth=30)
    metrics.update(
        slow_rank(scores, 30, seen),
        GroundTruth.from_lists(place[test.items_of(user)] for user in range(train.n_users)),
    )
    assert actual["bgch_ndcg@5"] == pytest.approx(metrics.result()["bgch_ndcg@5"], abs=1e-12)


def test_counts_unknown_users_and_items_like_a_release():
    ids = (["anna", "ben", "carl"], ["bread", "milk", "tea", "figs"])
    pairs = [(0, 0), (0, 1), (1, 1), (1, 2)]
    users, items = (np.array(side, np.int32) for side in zip(*pairs, strict=True))
    train = collapse(*ids, users, items).compact()
    # carl is unknown and gets the popular list, milk first; figs are unknown and a miss.
    held_out = collapse(*ids, np.array([0, 0, 2], np.int32), np.array([2, 3, 1], np.int32))
    made = Embeddings(torch.ones(2, 1), torch.ones(3, 1), [torch.ones(3, 1)], "inner_product")
    actual = score(made, train, held_out, (1,))
    assert actual["recall@1"] == pytest.approx((1 / 2 + 1) / 2)


def test_rejects_codes(clustered):
    made = replace(embeddings(clustered.n_users, clustered.n_items), similarity="hamming")
    with pytest.raises(ValueError, match="through a release"):
        score(made, clustered, clustered, (20,))


def test_rejects_an_empty_held_out_split(clustered):
    made = embeddings(clustered.n_users, clustered.n_items)
    nothing = clustered.select(clustered.users < 0)
    with pytest.raises(EvaluationError, match="no held-out interactions"):
        score(made, clustered, nothing, (20,))
