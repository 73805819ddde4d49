import numpy as np
import pytest

from bitrecall.results.comparison import BREAKDOWN, OVERALL, Groups
from bitrecall.training.comparison.measures import choose_groups, measure
from bitrecall.training.evaluation.ranked_batches import RankedBatch
from bitrecall.training.metrics import OUTSIDE, GroundTruth, RankingMetrics

POPULARITY = np.arange(60, 0, -1)


def batch(seed: int, users: int = 300) -> RankedBatch:
    generator = np.random.default_rng(seed)
    ranked = np.stack([generator.permutation(60)[:50] for _ in range(users)])
    truth = [generator.permutation(60)[: 1 + user % 5] for user in range(users)]
    seen = [np.arange(user % 7, dtype=np.int32) for user in range(users)]
    return RankedBatch(seen, ranked, GroundTruth.from_lists(truth))


def recalls(batches, is_counted):
    """Recall@20 by a plain loop, for the targets and users that ``is_counted`` selects."""
    values = []
    for part in batches:
        for user, seen in enumerate(part.seen):
            start, end = part.truth.indptr[user : user + 2]
            targets = {i for i in part.truth.rows[start:end].tolist() if is_counted(len(seen), i)}
            if targets:
                values.append(len(targets & set(part.ranked[user, :20].tolist())) / len(targets))
    return np.mean(values)


def test_bounds_are_the_third_with_the_fewest_items_and_half_of_the_interactions():
    groups = choose_groups(np.array([1, 2, 3, 4, 5, 6, 7, 8, 9]), np.array([5, 4, 3, 2, 1, 1]))
    assert groups == Groups(cold_items=3, cold_users=3, warm_users=6, head_items=2, tail_items=4)


def test_users_with_many_equal_counts_stay_in_one_group():
    groups = choose_groups(np.array([4, 4, 4, 4, 4, 9]), np.array([1, 1]))
    assert (groups.cold_items, groups.cold_users, groups.warm_users) == (4, 5, 1)


def test_fewer_than_a_third_are_cold_if_the_others_have_equal_counts():
    groups = choose_groups(np.array([2, 6, 6, 6, 6]), np.array([1, 1]))
    assert (groups.cold_items, groups.cold_users, groups.warm_users) == (2, 1, 4)


def test_no_user_is_cold_if_all_have_equal_counts():
    groups = choose_groups(np.array([6, 6, 6]), np.array([1, 1]))
    assert (groups.cold_users, groups.warm_users) == (0, 3)


def test_equals_a_plain_loop():
    batches = [batch(0), batch(1)]
    degrees = np.array([len(seen) for part in batches for seen in part.seen])
    groups = choose_groups(degrees, POPULARITY)
    measures = measure(batches, POPULARITY, groups)
    cold, head = groups.cold_items, groups.head_items
    expected = {
        "recall@20": recalls(batches, lambda degree, item: True),
        "recall@20 cold": recalls(batches, lambda degree, item: degree <= cold),
        "recall@20 warm": recalls(batches, lambda degree, item: degree > cold),
        "recall@20 head": recalls(batches, lambda degree, item: item < head),
        "recall@20 tail": recalls(batches, lambda degree, item: item >= head),
    }
    assert {name: measures[name] for name in expected} == pytest.approx(expected)
    assert set(measures) == {*OVERALL, *BREAKDOWN}


def test_the_overall_measures_are_those_of_an_evaluation():
    metrics = RankingMetrics([20, 50], 60, POPULARITY)
    metrics.update(batch(0).ranked, batch(0).truth)
    measures = measure([batch(0)], POPULARITY, Groups(3, 1, 1, 2, 58))
    assert {name: measures[name] for name in OVERALL} == {
        name: metrics.result()[name] for name in OVERALL
    }


def test_cold_and_warm_users_sum_to_all_users():
    part = batch(2)
    groups = choose_groups(np.array([len(seen) for seen in part.seen]), POPULARITY)
    measures = measure([part], POPULARITY, groups)
    total = measures["recall@20 cold"] * groups.cold_users
    total += measures["recall@20 warm"] * groups.warm_users
    assert total == pytest.approx(measures["recall@20"] * 300)


def test_an_unknown_item_is_a_missed_tail_item():
    part = RankedBatch(
        [np.zeros(0, np.int32)], np.arange(50)[None], GroundTruth.from_lists([[0, OUTSIDE]])
    )
    measures = measure([part], POPULARITY, Groups(-1, 0, 1, 2, 58))
    assert measures["recall@20 head"] == 1
    assert measures["recall@20 tail"] == 0
    assert measures["recall@20 cold"] is None
