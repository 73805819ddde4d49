import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics, find_hits

pytestmark = pytest.mark.slow

KS = (1, 3, 5, 8)


@st.composite
def rankings(draw):
    """A catalogue, its popularity, ranked lists without repetition, and ground truths."""
    n_items = draw(st.integers(1, 12))
    popularity = draw(st.lists(st.integers(0, 50), min_size=n_items, max_size=n_items))
    items = st.integers(0, n_items - 1)
    lists = draw(st.lists(st.lists(items, unique=True, max_size=max(KS)), min_size=1, max_size=9))
    truths = [draw(st.lists(items, unique=True, max_size=n_items)) for _ in lists]
    outside = [draw(st.integers(0, 3)) for _ in lists]
    truths = [truth + [OUTSIDE] * more for truth, more in zip(truths, outside, strict=True)]
    return n_items, popularity, lists, truths


def padded(lists, width):
    rows = [row + [-1] * (width - len(row)) for row in lists]
    return np.array(rows, dtype=np.int64).reshape(len(lists), width)


def metrics_of(n_items, popularity, batches, ks=KS, bgch_depth=None):
    popularity = np.array(popularity, dtype=np.int64)
    metrics = RankingMetrics(ks, n_items, popularity, bgch_depth=bgch_depth)
    for lists, truths in batches:
        metrics.update(padded(lists, metrics.depth), GroundTruth.from_lists(truths))
    return metrics.result()


def definition(n_items, popularity, lists, truths, k):
    """Compute the metrics from their definitions, one user and one place at a time."""
    recall, ndcg, precision, hit_rate = [], [], [], []
    for ranked, truth in zip(lists, truths, strict=True):
        if not truth:
            continue
        hits, dcg, best = 0, 0.0, 0.0
        for rank, item in enumerate(ranked[:k], start=1):
            if item in truth:
                hits += 1
                dcg += 1 / math.log2(rank + 1)
        for rank in range(1, min(k, len(truth)) + 1):
            best += 1 / math.log2(rank + 1)
        recall.append(hits / len(truth))
        ndcg.append(dcg / best)
        precision.append(hits / k)
        hit_rate.append(1.0 if hits else 0.0)
    shown = [item for ranked in lists for item in ranked[:k]]
    return {
        f"recall@{k}": sum(recall) / len(recall),
        f"ndcg@{k}": sum(ndcg) / len(ndcg),
        f"precision@{k}": sum(precision) / len(precision),
        f"hit_rate@{k}": sum(hit_rate) / len(hit_rate),
        f"coverage@{k}": len(set(shown)) / n_items,
        f"mean_popularity@{k}": sum(popularity[i] for i in shown) / len(shown) if shown else 0.0,
    }


@given(rankings())
def test_every_measure_agrees_with_its_definition(case):
    n_items, popularity, lists, truths = case
    if not any(truths):
        with pytest.raises(ValueError, match="no user has test items"):
            metrics_of(n_items, popularity, [(lists, truths)])
        return
    expected = {}
    for k in KS:
        expected |= definition(n_items, popularity, lists, truths, k)
    assert metrics_of(n_items, popularity, [(lists, truths)]) == pytest.approx(expected)


@given(rankings(), st.integers(1, 12))
def test_the_ideal_list_of_bgch_has_the_hits_of_the_model(case, bgch_depth):
    n_items, popularity, lists, truths = case
    if not any(truths):
        return
    result = metrics_of(n_items, popularity, [(lists, truths)], bgch_depth=bgch_depth)
    for k in KS:
        values = []
        for ranked, truth in zip(lists, truths, strict=True):
            if not truth:
                continue
            hits = [item in truth for item in ranked[: max(bgch_depth, *KS)]]
            dcg = sum(hit / math.log2(place + 2) for place, hit in enumerate(hits[:k]))
            ideal = sorted(hits, reverse=True)[:k]
            best = sum(hit / math.log2(place + 2) for place, hit in enumerate(ideal))
            values.append(dcg / best if best else 0.0)
        assert result[f"bgch_ndcg@{k}"] == pytest.approx(sum(values) / len(values))
    plain = metrics_of(n_items, popularity, [(lists, truths)])
    assert {name: result[name] for name in plain} == plain
    assert set(result) - set(plain) == {f"bgch_ndcg@{k}" for k in KS}


@given(rankings(), st.integers(0, 9))
def test_batches_do_not_change_the_metrics(case, cut):
    n_items, popularity, lists, truths = case
    if not any(truths):
        return
    in_one_batch = metrics_of(n_items, popularity, [(lists, truths)])
    parts = [(lists[:cut], truths[:cut]), (lists[cut:], truths[cut:])]
    assert metrics_of(n_items, popularity, parts) == pytest.approx(in_one_batch)


@settings(max_examples=50)
@given(rankings())
def test_means_agree_with_ir_measures(case):
    n_items, popularity, lists, truths = case
    if not any(truths):
        return
    # The library averages over users with judgements, and needs a score per place and string ids.
    # An item outside the catalogue is in no list.
    qrels = [
        ir_measures.Qrel(f"u{user}", f"outside{place}" if item == OUTSIDE else f"i{item}", 1)
        for user, truth in enumerate(truths)
        for place, item in enumerate(truth)
    ]
    run = [
        ir_measures.ScoredDoc(f"u{user}", f"i{item}", float(-place))
        for user, ranked in enumerate(lists)
        for place, item in enumerate(ranked)
    ]
    names = {}
    for k in KS:
        names[ir_measures.R @ k] = f"recall@{k}"
        names[ir_measures.nDCG @ k] = f"ndcg@{k}"
        names[ir_measures.P @ k] = f"precision@{k}"
        names[ir_measures.Success @ k] = f"hit_rate@{k}"
    expected = ir_measures.calc_aggregate(list(names), qrels, run)
    metrics = metrics_of(n_items, popularity, [(lists, truths)])
    assert {name: expected[measure] for measure, name in names.items()} == pytest.approx(
        {name: metrics[name] for name in names.values()}
    )


def test_ndcg_divides_by_the_ideal_list_of_all_test_items():
    # One hit, first in the list, of four test items. With an ideal list of the model's own hits,
    # this would be 1.
    result = metrics_of(9, [1] * 9, [([[0, 5, 6]], [[0, 1, 2, 3]])], ks=(3,))
    best = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert result["ndcg@3"] == pytest.approx(1 / best)


def test_hits_beyond_k_improve_the_ideal_list_of_bgch():
    # Hits at places 1 and 3. With the first alone, the result would be 1.
    truths = [[0, 1, 2, 3]]
    shallow = metrics_of(9, [1] * 9, [([[0, 5]], truths)], ks=(2,), bgch_depth=2)
    deep = metrics_of(9, [1] * 9, [([[0, 5, 1]], truths)], ks=(2,), bgch_depth=3)
    assert shallow["bgch_ndcg@2"] == 1.0
    assert deep["bgch_ndcg@2"] == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_recall_divides_by_all_test_items_even_beyond_k():
    result = metrics_of(5, [1] * 5, [([[0, 1]], [[0, 1, 2, 3]])], ks=(2,))
    assert result["recall@2"] == 0.5


def test_users_without_test_items_count_only_in_coverage():
    metrics = metrics_of(4, [9, 5, 3, 1], [([[0], [3]], [[0], []])], ks=(1,))
    assert metrics["recall@1"] == 1.0
    assert metrics["coverage@1"] == 0.5
    assert metrics["mean_popularity@1"] == 5.0


def test_items_outside_the_catalogue_are_missed_but_counted():
    result = metrics_of(3, [1] * 3, [([[0, 1, 2]], [[0, OUTSIDE, OUTSIDE, OUTSIDE]])], ks=(3,))
    assert result["recall@3"] == 0.25


def test_accepts_ground_truth_without_users():
    truth = GroundTruth.from_lists([])
    assert len(truth) == 0
    assert find_hits(np.empty((0, 5), dtype=np.int64), truth).shape == (0, 5)


def test_sorts_cut_offs_and_reports_each_once():
    result = metrics_of(3, [1] * 3, [([[0]], [[0]])], ks=(3, 1, 3))
    assert [name for name in result if name.startswith("recall")] == ["recall@1", "recall@3"]


@pytest.mark.parametrize(
    ("ranked", "truth", "message"),
    [
        ([[0, 0]], [[0]], "list contains an item twice"),
        ([[-1, 0]], [[0]], "an item after its end"),
        ([[0, 1]], [[1, 1]], "test items contain an item twice"),
        ([[0, 1]], [[0], [1]], "for 2 users"),
        ([[0]], [[0]], "too short for K=2"),
        ([[0, 3]], [[0]], "outside 3 items"),
    ],
)
def test_rejects_inconsistent_lists(ranked, truth, message):
    metrics = RankingMetrics([2], 3, np.ones(3, dtype=np.int64))
    with pytest.raises(ValueError, match=message):
        metrics.update(np.array(ranked), GroundTruth.from_lists(truth))


@pytest.mark.parametrize("ks", [[], [0], [5, -1]])
def test_rejects_cut_offs_below_one(ks):
    with pytest.raises(ValueError, match="cut-offs"):
        RankingMetrics(ks, 3, np.ones(3, dtype=np.int64))


def test_rejects_a_depth_below_one():
    with pytest.raises(ValueError, match="bgch_depth"):
        RankingMetrics([1], 3, np.ones(3, dtype=np.int64), bgch_depth=0)


def test_rejects_lists_shorter_than_the_depth():
    metrics = RankingMetrics([1], 3, np.ones(3, dtype=np.int64), bgch_depth=2)
    with pytest.raises(ValueError, match="too short for K=2"):
        metrics.update(np.array([[0]]), GroundTruth.from_lists([[0]]))


def test_rejects_the_popularity_of_another_catalogue():
    with pytest.raises(ValueError, match="popularity"):
        RankingMetrics([1], 3, np.ones(2, dtype=np.int64))
