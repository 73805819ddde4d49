import math

import numpy as np
import pytest

from bitrecall.index.releases.release import DataFingerprint, ReleaseContents
from bitrecall.index.releases.row_lists import RowLists
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import hamming_distances, pack_signs
from bitrecall.training.data.collapse import collapse
from bitrecall.training.errors import EvaluationError
from bitrecall.training.evaluation.evaluate import evaluate

ITEMS = ["bread", "milk", "tea", "salt", "figs", "quince"]
POPULARITY = [10, 8, 6, 4, 2, 1]
# Distances of the items from the code of all ones, 8 bits: what anna is near to, ben is far from.
FROM_ANNA = [2, 0, 1, 1, 3, 8]


def signs(negatives, bits=8):
    return np.where(np.arange(bits) < np.array(negatives)[:, None], -1.0, 1.0)


def publish(root, item_codes, user_embeddings, seen, users, items, popularity):
    contents = ReleaseContents(
        item_codes=item_codes,
        user_embeddings=user_embeddings.astype(np.float32),
        fold_in_messages=np.zeros((len(items), user_embeddings.shape[1]), np.float32),
        seen=RowLists.from_lists(seen),
        user_ids=users,
        item_ids=items,
        popularity=np.array(popularity, np.int64),
        data=DataFingerprint(
            sha256="0" * 64,
            users=len(users),
            items=len(items),
            interactions=sum(map(len, seen)),
            first_time=None,
            last_time=None,
        ),
        recipe={},
        code_version="test",
    )
    return ReleaseStore(root).publish(contents)


@pytest.fixture
def release(tmp_path):
    """Anna has seen milk; ben, whose code is the opposite of hers, bread and quince."""
    return publish(
        tmp_path,
        pack_signs(signs(FROM_ANNA)),
        np.array([[1.0] * 8, [-1.0] * 8]),
        [[1], [0, 5]],
        ["anna", "ben"],
        ITEMS,
        POPULARITY,
    )


def held_out(chosen, more_users=()):
    """Interactions from one list of items a user; ``more_users`` are known without any."""
    user_ids = [*chosen, *more_users]
    item_ids = sorted({item for items in chosen.values() for item in items})
    pairs = [(user, item) for user, items in chosen.items() for item in items]
    users = np.array([user_ids.index(user) for user, _ in pairs], np.int32)
    items = np.array([item_ids.index(item) for _, item in pairs], np.int32)
    return collapse(user_ids, item_ids, users, items)


def test_evaluates_a_small_release_worked_out_by_hand(release):
    # anna's list: tea (1), salt (1), bread (2), figs (3), quince (8); milk is seen.
    # ben's list: figs (5), tea (7), salt (7), milk (8); bread and quince are seen.
    # cleo is not in the release: bread, milk, tea … by popularity.
    chosen = {
        "anna": ["salt", "quince"],
        "ben": ["tea", "a thing made since"],
        "cleo": ["bread", "figs", "quince", "milk"],
    }
    report = evaluate(release, held_out(chosen, more_users=["dora"]), [2, 3])
    second = 1 / math.log2(3)
    third = 1 / math.log2(4)
    assert report.metrics == pytest.approx(
        {
            "recall@2": (1 / 2 + 1 / 2 + 2 / 4) / 3,
            "ndcg@2": (second / (1 + second) * 2 + 1) / 3,
            "precision@2": (1 / 2 + 1 / 2 + 2 / 2) / 3,
            "hit_rate@2": 1.0,
            "coverage@2": 5 / 6,
            "mean_popularity@2": (6 + 4 + 2 + 6 + 10 + 8) / 6,
            "recall@3": (1 / 2 + 1 / 2 + 2 / 4) / 3,
            "ndcg@3": (second / (1 + second) * 2 + (1 + second) / (1 + second + third)) / 3,
            "precision@3": (1 / 3 + 1 / 3 + 2 / 3) / 3,
            "hit_rate@3": 1.0,
            "coverage@3": 5 / 6,
            "mean_popularity@3": (6 + 4 + 10 + 2 + 6 + 4 + 10 + 8 + 6) / 9,
        }
    )
    assert report.release == release.id
    assert report.split == "test"
    assert (report.users, report.unknown_users, report.skipped_users) == (3, 1, 1)
    assert (report.pairs, report.unknown_pairs, report.seen_pairs) == (8, 1, 0)
    assert report.seconds > 0


def test_bgch_ndcg_counts_hits_up_to_its_depth(release):
    # ben's list: figs, tea, salt, milk. Milk, the fourth, makes the ideal of tea better.
    question = held_out({"ben": ["tea", "milk"]})
    second, own = 1 / math.log2(3), {}
    for depth in (2, 4):
        own[depth] = evaluate(release, question, [2], bgch_depth=depth).metrics["bgch_ndcg@2"]
    assert own == pytest.approx({2: second, 4: second / (1 + second)})
    assert "bgch_ndcg@2" not in evaluate(release, question, [2]).metrics


def test_held_out_pairs_seen_in_training_are_missed_and_counted(release):
    question = held_out({"anna": ["milk", "tea"], "ben": ["bread"]})
    report = evaluate(release, question, [1])
    assert report.seen_pairs == 2
    assert report.metrics["recall@1"] == pytest.approx((1 / 2 + 0) / 2)


def test_can_include_seen_items(release):
    question = held_out({"anna": ["milk", "tea"]})
    report = evaluate(release, question, [1, 2], exclude_seen=False)
    assert report.seen_pairs == 1
    assert report.metrics["recall@1"] == 0.5
    assert report.metrics["recall@2"] == 1.0


def test_lists_beyond_the_catalogue_contain_all_allowed_items(release):
    report = evaluate(release, held_out({"anna": ["quince"], "cleo": ["quince"]}), [100])
    assert report.metrics["recall@100"] == 1.0
    assert report.metrics["precision@100"] == pytest.approx(1 / 100)
    assert report.metrics["coverage@100"] == 1.0


def test_raises_evaluation_error_without_held_out_interactions(release):
    with pytest.raises(EvaluationError, match="the evening split holds no interactions"):
        evaluate(release, held_out({}, more_users=["anna"]), [1], split="evening")


def test_shows_the_bar_on_stderr_only_on_request(release, capsys):
    question = held_out({"anna": ["tea"]})
    evaluate(release, question, [1])
    evaluate(release, question, [1], progress=None)
    assert capsys.readouterr() == ("", "")
    evaluate(release, question, [1], progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "1/1" in err


@pytest.fixture
def crowd(tmp_path):
    """A random release with many ties, and something held out for most users and some others."""
    rng = np.random.default_rng(7)
    users, items, bits = 60, 90, 16
    seen = [rng.choice(items, rng.integers(0, 30), replace=False) for _ in range(users)]
    item_codes = rng.integers(0, 256, (items, bits // 8), np.uint8)
    release = publish(
        tmp_path,
        item_codes,
        rng.normal(size=(users, bits)),
        seen,
        [f"user {row}" for row in range(users)],
        [f"item {row}" for row in range(items)],
        np.sort(rng.integers(0, 99, items))[::-1],
    )
    chosen = {}
    for row in rng.permutation(users + 5):
        expected = rng.choice(items, 4, replace=False)
        if row < users:
            expected = np.setdiff1d(expected, seen[row])
        chosen[f"user {row}"] = [*(f"item {item}" for item in expected), "item of tomorrow"]
    return release, item_codes, seen, chosen


@pytest.mark.parametrize("batch", [1, 7, 1024])
def test_agrees_with_a_brute_force_ranking_in_any_batches(crowd, batch):
    release, item_codes, seen, chosen = crowd
    embeddings = np.asarray(release.user_embeddings)
    recalls, hits = [], []
    for user, expected in chosen.items():
        ranked = np.arange(release.n_items)
        row = release.users.row_of(user)
        if row is not None:
            code = pack_signs(embeddings[[row]])
            ranked = np.argsort(hamming_distances(code, item_codes)[0], kind="stable")
            ranked = ranked[~np.isin(ranked, seen[row])]
        actual = {f"item {item}" for item in ranked[:10]} & set(expected)
        recalls.append(len(actual) / len(expected))
        hits.append(bool(actual))
    report = evaluate(release, held_out(chosen), [10], batch=batch)
    assert report.users == len(chosen)
    assert (report.unknown_users, report.unknown_pairs, report.seen_pairs) == (5, len(chosen), 0)
    assert report.metrics["recall@10"] == pytest.approx(np.mean(recalls))
    assert report.metrics["hit_rate@10"] == pytest.approx(np.mean(hits))
