import numpy as np
import pytest

from bitrecall.training.data.load import dataset_of, load_dataset
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.sample import sample_dataset, sample_events, sample_items, sample_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dataset():
    return sample_dataset()


def recall_at_20(dataset, scores):
    """Mean recall of the 20 best-scored items that train does not have, over users with a test."""
    scores = scores.copy()
    scores[dataset.train.users, dataset.train.items] = -np.inf
    held_out = np.zeros(scores.shape, bool)
    held_out[dataset.test.users, dataset.test.items] = True
    best = np.argsort(-scores, axis=1)[:, :20]
    hits = np.take_along_axis(held_out, best, axis=1).sum(axis=1)
    counted = held_out.any(axis=1)
    return (hits[counted] / held_out.sum(axis=1)[counted]).mean()


def test_the_sample_has_the_size_of_a_small_shop(dataset):
    assert (dataset.train.n_users, dataset.train.n_items) == (3_000, 2_000)
    assert 80_000 < len(dataset.train) + len(dataset.test) < 100_000
    assert 0.19 < len(dataset.test) / (len(dataset.train) + len(dataset.test)) < 0.21
    assert dataset.train.user_degrees.min() >= 1
    assert dataset.report.test_items_not_in_train == 0


def test_ids_are_distinct_and_readable(dataset):
    assert len(set(dataset.train.user_ids)) == 3_000
    assert len(set(dataset.train.item_ids)) == 2_000
    assert "ada-001" in dataset.train.user_ids
    assert all(item_id.count("/") == 1 for item_id in dataset.train.item_ids)
    assert {item_id.split("/")[0] for item_id in dataset.train.item_ids} >= {
        "noir",
        "cooking",
        "music",
    }


def test_the_sample_depends_on_the_seed(dataset):
    again, other = sample_dataset(0), sample_dataset(1)
    assert again.train.sha256() == dataset.train.sha256()
    assert again.test.sha256() == dataset.test.sha256()
    assert other.train.sha256() != dataset.train.sha256()


def test_the_true_model_beats_popularity(dataset):
    popularity = np.broadcast_to(dataset.train.item_degrees.astype(float), (3_000, 2_000))
    popular = recall_at_20(dataset, popularity)
    oracle = recall_at_20(dataset, sample_model().weights)
    assert popular < 0.13
    assert oracle > 0.32


def test_popularity_is_skewed(dataset):
    degrees = np.sort(dataset.train.item_degrees)[::-1]
    assert degrees[:20].sum() / degrees.sum() > 0.08
    assert np.median(degrees) < degrees.mean() * 0.8


def test_a_user_has_few_genres(dataset):
    genres = np.array([item_id.split("/")[0] for item_id in dataset.train.item_ids])
    shares = []
    for user in range(200):
        own = genres[dataset.train.items[dataset.train.users == user]]
        shares.append(np.sort(np.unique(own, return_counts=True)[1])[::-1][:3].sum() / len(own))
    assert np.mean(shares) > 0.75


def test_times_lie_in_2024_and_2025(dataset):
    for part in (dataset.train, dataset.test):
        assert "2024-01-01" <= part.first_time < part.last_time < "2026"


def test_items_are_tagged_with_their_genre_and_have_a_year(dataset):
    attributes = sample_items().attributes_of(dataset.train.item_ids)
    for row in range(0, 2_000, 97):
        assert attributes.tags_of(row) == [dataset.train.item_ids[row].split("/")[0]]
        assert 1950 <= attributes.columns_of(row)["year"] <= 2025


def test_the_click_log_has_all_pairs_in_order_of_time(dataset):
    events = sample_events()
    assert events.columns == ["user_id", "item_id", "timestamp"]
    assert events["timestamp"].is_sorted()
    assert len(events) == len(dataset.train) + len(dataset.test)
    pairs = {
        (part.user_ids[user], part.item_ids[item])
        for part in (dataset.train, dataset.test)
        for user, item in zip(part.users, part.items, strict=True)
    }
    assert set(events.select("user_id", "item_id").iter_rows()) == pairs
    whole = load_dataset("sample", ReadOptions(split=Split.NONE)).train
    assert dataset_of(events, ReadOptions(split=Split.NONE)).train.last_time == whole.last_time
