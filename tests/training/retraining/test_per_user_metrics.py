import numpy as np
import pytest

from bitrecall.index.fold_in.user_codes import UserEncoder
from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.index.releases.recency import Recency
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.evaluation.evaluate import evaluate
from bitrecall.training.retraining.per_user_metrics import score_users

SEEN = {f"u{user}": [f"i{(user * 7 + n * n) % 30:02}" for n in range(6)] for user in range(25)}


def pairs(lists: dict[str, list[str]], users: list[str], items: list[str]) -> Interactions:
    rows = [(users.index(user), items.index(item)) for user, row in lists.items() for item in row]
    return collapse(users, items, *np.array(rows, np.int32).reshape(-1, 2).T)


@pytest.fixture
def targets() -> dict[str, list[str]]:
    generator = np.random.default_rng(1)
    return {
        user: [f"i{item:02}" for item in generator.choice(30, 5, replace=False)] for user in SEEN
    } | {"unknown user": ["i00", "elsewhere"]}


def test_known_users_have_the_metrics_of_an_evaluation(publish, targets) -> None:
    release = publish(SEEN)
    targets = {
        user: [item for item in items if item not in SEEN.get(user, ())]
        for user, items in targets.items()
    }
    users, items = list(targets), [f"i{item:02}" for item in range(30)] + ["elsewhere"]
    train, held_out = pairs(SEEN, users, items), pairs(targets, users, items)
    metrics = score_users(release, train, held_out, [3, 10])
    expected = evaluate(release, held_out, [3, 10]).metrics
    for name, values in metrics.items():
        assert len(values) == 26
        assert values.mean() == pytest.approx(expected[name])


def test_does_not_recommend_items_of_later_training_pairs(publish) -> None:
    release = publish(SEEN)
    users, items = [*SEEN, "unknown user"], [f"i{item:02}" for item in range(30)]
    everything = {"u0": items[:29], "unknown user": items[:29]}
    last = pairs({"u0": [items[29]], "unknown user": [items[29]]}, users, items)
    metrics = score_users(release, pairs(everything, users, items), last, [1])
    assert metrics["recall@1"].tolist() == [1, 1]


def test_folds_in_an_unknown_user(publish) -> None:
    release = publish(SEEN)
    users, items = ["unknown user"], [f"i{item:02}" for item in range(30)]
    history = pairs({"unknown user": ["i03", "i10"]}, users, items)
    rows = np.array([release.items.row_of(item) for item in ("i03", "i10")])
    code = UserFoldIn.of(release).codes([rows])
    _, listed = release.backend.search(code, 1, [np.sort(rows).astype(np.int32)])
    best = release.items.id_of(int(listed[0, 0]))
    metrics = score_users(release, history, pairs({"unknown user": [best]}, users, items), [1])
    assert metrics["ndcg@1"].tolist() == [1]


def test_the_popular_list_excludes_training_items(publish) -> None:
    release = publish(SEEN)
    ranked = release.items.ids_of(np.arange(30))
    users, items = ["a", "b"], list(ranked)
    train = pairs({"a": ranked[:2], "b": ranked[5:7]}, users, items)
    targets = pairs({"a": ranked[2:4], "b": ranked[2:4]}, users, items)
    metrics = score_users(release, train, targets, [2, 4], popular=True)
    assert metrics["recall@2"].tolist() == [1, 0]
    assert metrics["recall@4"].tolist() == [1, 1]


def test_codes_depend_on_the_order_of_later_items_alone(publish) -> None:
    recency = Recency(1.0, 0.0, 4.0, 1.0)
    release = publish(SEEN, ordered=True, recency=recency)
    users, items = [*SEEN, "unknown user"], [f"i{item:02}" for item in range(30)]
    later = ["i29", "i04", "i11", "i17"]
    known = {user: [*SEEN.get(user, ()), *later] for user in ("u0", "unknown user")}
    rows = [(users.index(user), items.index(item)) for user, row in known.items() for item in row]
    rows_of_users, rows_of_items = np.array(rows, np.int32).T
    order = np.arange(len(rows), dtype=np.float64)
    train = collapse(users, items, rows_of_users, rows_of_items, order=order)
    encoder = UserEncoder(release)
    for user, codes in (("u0", later), ("unknown user", later)):
        item_rows = np.array([release.items.row_of(item) for item in codes])
        code = encoder.encode(release.users.row_of(user), item_rows).code
        seen = [release.items.row_of(item) for item in known[user]]
        _, listed = release.backend.search(code, 1, [np.sort(seen).astype(np.int32)])
        best = pairs({user: [release.items.id_of(int(listed[0, 0]))]}, users, items)
        assert score_users(release, train, best, [1])["recall@1"].tolist() == [1]


def test_a_release_trained_on_all_known_pairs_has_its_published_codes(publish) -> None:
    recency = Recency(1.0, 0.5, 4.0)
    release = publish(SEEN, ordered=True, recency=recency)
    users, items = list(SEEN), [f"i{item:02}" for item in range(30)]
    rows = [(users.index(user), items.index(item)) for user, row in SEEN.items() for item in row]
    rows_of_users, rows_of_items = np.array(rows, np.int32).T
    order = np.arange(len(rows), dtype=np.float64)
    train = collapse(users, items, rows_of_users, rows_of_items, order=order)
    _, listed = release.backend.search(
        release.user_codes(np.arange(25)),
        1,
        [rows.astype(np.int32) for rows in (release.seen[user] for user in range(25))],
    )
    best = pairs(
        {user: [release.items.id_of(int(listed[row, 0]))] for row, user in enumerate(SEEN)},
        users,
        items,
    )
    assert score_users(release, train, best, [1])["recall@1"].tolist() == [1] * 25
