import numpy as np
import pytest

from bitrecall.index.fold_in.users import UserFoldIn
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.evaluation.evaluate import evaluate
from bitrecall.training.retraining.per_user_metrics import score_users

SEEN = {f"u{user}": [f"i{(user * 7 + n * n) % 30:02}" for n in range(6)] for user in range(25)}


def pairs(lists: dict[str, list[str]], users: list[str], items: list[str]) -> Interactions:
    rows = [(users.index(user), items.index(item)) for user, own in lists.items() for item in own]
    return collapse(users, items, *np.array(rows, np.int32).reshape(-1, 2).T)


@pytest.fixture
def wanted() -> dict[str, list[str]]:
    generator = np.random.default_rng(1)
    return {
        user: [f"i{item:02}" for item in generator.choice(30, 5, replace=False)] for user in SEEN
    } | {"stranger": ["i00", "elsewhere"]}


def test_known_users_are_answered_as_an_evaluation_asks(publish, wanted) -> None:
    release = publish(SEEN)
    wanted = {
        user: [item for item in items if item not in SEEN.get(user, ())]
        for user, items in wanted.items()
    }
    users, items = list(wanted), [f"i{item:02}" for item in range(30)] + ["elsewhere"]
    taken, held_out = pairs(SEEN, users, items), pairs(wanted, users, items)
    found = score_users(release, taken, held_out, [3, 10])
    expected = evaluate(release, held_out, [3, 10]).metrics
    for name, values in found.items():
        assert len(values) == 26
        assert values.mean() == pytest.approx(expected[name])


def test_what_was_taken_since_counts_and_is_not_listed(publish) -> None:
    release = publish(SEEN)
    users, items = [*SEEN, "stranger"], [f"i{item:02}" for item in range(30)]
    everything = {"u0": items[:29], "stranger": items[:29]}
    last = pairs({"u0": [items[29]], "stranger": [items[29]]}, users, items)
    found = score_users(release, pairs(everything, users, items), last, [1])
    assert found["recall@1"].tolist() == [1, 1]


def test_a_stranger_is_folded_in(publish) -> None:
    release = publish(SEEN)
    users, items = ["stranger"], [f"i{item:02}" for item in range(30)]
    history = pairs({"stranger": ["i03", "i10"]}, users, items)
    rows = np.array([release.items.row_of(item) for item in ("i03", "i10")])
    code = UserFoldIn.of(release).codes([rows])
    _, listed = release.backend.search(code, 1, [np.sort(rows).astype(np.int32)])
    best = release.items.id_of(int(listed[0, 0]))
    found = score_users(release, history, pairs({"stranger": [best]}, users, items), [1])
    assert found["ndcg@1"].tolist() == [1]


def test_the_popular_list_leaves_out_what_was_taken(publish) -> None:
    release = publish(SEEN)
    ranked = release.items.ids_of(np.arange(30))
    users, items = ["a", "b"], list(ranked)
    taken = pairs({"a": ranked[:2], "b": ranked[5:7]}, users, items)
    wanted = pairs({"a": ranked[2:4], "b": ranked[2:4]}, users, items)
    found = score_users(release, taken, wanted, [2, 4], popular=True)
    assert found["recall@2"].tolist() == [1, 0]
    assert found["recall@4"].tolist() == [1, 1]
