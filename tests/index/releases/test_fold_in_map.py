"""The learned map, compared with a regression over all interactions."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bitrecall.index.releases import fold_in_map
from bitrecall.index.releases.fold_in_map import FoldInMap
from bitrecall.index.releases.row_lists import RowLists


def random_data(
    users: int, items: int, bits: int, seed: int
) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
    rng = np.random.default_rng(seed)
    lists = [
        rng.choice(items, rng.integers(1, items), replace=False).tolist() for _ in range(users)
    ]
    return rng.standard_normal((items, bits)) + 1, rng.standard_normal((users, bits)), lists


def regression(
    messages: np.ndarray, embeddings: np.ndarray, lists: list[list[int]], ridge: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solve with one row per interaction, weighted so that users count equally, and ridge rows."""
    means = np.array([np.mean([messages[row] for row in rows], axis=0) for rows in lists])
    centre, user = means.mean(axis=0), embeddings.mean(axis=0)
    size = np.abs(embeddings - user).mean() / np.abs(means - centre).mean()
    x, y, variances = [], [], []
    for embedding, rows in zip(embeddings, lists, strict=True):
        for row in rows:
            weight = 1 / (len(rows) * len(lists))
            x.append((messages[row] - centre) * weight**0.5)
            y.append((embedding - user) / size * weight**0.5)
            variances.append(np.square(x[-1]))
    bits = messages.shape[1]
    root = (ridge * np.sum(variances) / bits) ** 0.5
    x.extend(root * np.eye(bits))
    y.extend(root * np.eye(bits))
    return centre, user / size, np.linalg.lstsq(np.array(x), np.array(y), rcond=None)[0]


@settings(max_examples=30, deadline=None)
@given(
    users=st.integers(2, 9),
    items=st.integers(3, 12),
    ridge=st.sampled_from([0.01, 0.3, 10.0]),
    seed=st.integers(0, 99),
)
def test_fits_a_ridge_regression_on_single_items(
    users: int, items: int, ridge: float, seed: int
) -> None:
    messages, embeddings, lists = random_data(users, items, 8, seed)
    assume(len({frozenset(rows) for rows in lists}) > 1)
    expected = regression(messages, embeddings, lists, ridge)
    learned = FoldInMap.fit(messages, embeddings, RowLists.from_lists(lists), ridge)
    for array, reference in zip(
        (learned.centre, learned.user, learned.matrix), expected, strict=True
    ):
        assert array.dtype == np.float32
        assert array == pytest.approx(reference, abs=1e-3, rel=1e-3)


def test_does_not_scale_by_rounding_errors_if_users_are_alike() -> None:
    messages, embeddings, _ = random_data(2, 6, 8, 0)
    lists = RowLists.from_lists([[0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]])
    # Sums rounded in different directions must not count as a difference between users.
    means = np.nextafter(np.float64(1), [0, 2])[:, None] * messages.mean(axis=0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(fold_in_map, "_means", lambda *_: (means.copy(), np.full(6, 1 / 6)))
        learned = FoldInMap.fit(messages, embeddings, lists)
    assert learned.user == pytest.approx(embeddings.mean(axis=0), rel=1e-5)
    assert np.isfinite(learned.matrix).all()


def test_ignores_users_without_items() -> None:
    messages, embeddings, lists = random_data(6, 10, 8, 0)
    learned = FoldInMap.fit(messages, embeddings, RowLists.from_lists(lists))
    more = np.concatenate([embeddings, 100 * np.ones((1, 8))])
    same = FoldInMap.fit(messages, more, RowLists.from_lists([*lists, []]))
    assert np.array_equal(learned.matrix, same.matrix)
    assert np.array_equal(learned.user, same.user)


@pytest.mark.parametrize("lists", [[[]], [[0, 1]], [[0], [0]], [[0, 1, 2, 3, 4, 5, 6]]])
@pytest.mark.parametrize("value", [0.0, 1.0, 1 / 3, 1e-5])
def test_learns_the_identity_if_all_messages_are_alike(
    lists: list[list[int]], value: float
) -> None:
    messages = value * np.tile(np.arange(1, 9) / 7, (7, 1))
    learned = FoldInMap.fit(messages, np.ones((len(lists), 8)), RowLists.from_lists(lists))
    assert learned.matrix == pytest.approx(np.eye(8), abs=1e-4)
    assert np.isfinite(learned.user).all()


def test_samples_very_many_users(monkeypatch: pytest.MonkeyPatch) -> None:
    messages, embeddings, lists = random_data(3000, 20, 8, 1)
    seen = RowLists.from_lists(lists)
    from_all = FoldInMap.fit(messages, embeddings, seen)
    monkeypatch.setattr(fold_in_map, "_USERS", 1500)
    from_sample = FoldInMap.fit(messages, embeddings, seen)
    assert not np.array_equal(from_sample.matrix, from_all.matrix)
    assert from_sample.matrix == pytest.approx(from_all.matrix, abs=0.1)
