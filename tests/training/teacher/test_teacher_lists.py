import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.metrics import OUTSIDE
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher import teacher_lists as module
from bitrecall.training.teacher.normalised_pairs import interaction_matrix
from bitrecall.training.teacher.teacher_lists import (
    TeacherLists,
    best_items,
    positive_weights,
    scorer,
    teacher_lists,
)


def interactions(matrix: np.ndarray) -> Interactions:
    users, items = np.nonzero(matrix)
    return Interactions(
        [f"user-{row}" for row in range(matrix.shape[0])],
        [f"item-{row}" for row in range(matrix.shape[1])],
        users.astype(np.int32),
        items.astype(np.int32),
    )


def random_matrix(n_users: int = 25, n_items: int = 18) -> np.ndarray:
    return np.random.default_rng(0).random((n_users, n_items)) < 0.2


tied_scores = st.integers(1, 12).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 1.0]), min_size=width, max_size=width),
        min_size=1,
        max_size=4,
    )
)


@given(tied_scores, st.integers(1, 14))
@settings(deadline=None, max_examples=60)
def test_best_items_equal_a_stable_sort(rows, depth):
    scores = np.array(rows, np.float32)
    items, values = best_items(torch.from_numpy(scores), depth)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :depth]
    expected = np.take_along_axis(scores, order, axis=1)
    np.testing.assert_array_equal(values.numpy(), expected)
    listed = expected > -np.inf
    np.testing.assert_array_equal(items.numpy()[listed], order[listed])


@pytest.mark.parametrize("chosen", [{"kind": "filter"}, {"kind": "ease", "regularisation": 2.0}])
@pytest.mark.parametrize("users_at_once", [4, 1000])
def test_lists_contain_the_best_unseen_items_in_order(chosen, users_at_once, monkeypatch):
    monkeypatch.setattr(module, "block_users", lambda *_: users_at_once)
    seen = random_matrix()
    pairs = interactions(seen)
    recipe = TeacherRecipe(length=5, rank=4, **chosen)
    lists = teacher_lists(pairs, recipe, seed=0)
    scores = scorer(interaction_matrix(pairs), recipe, seed=0).scores(np.arange(25)).numpy()
    scores[seen] = -np.inf
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(lists.items, expected)
    np.testing.assert_allclose(lists.scores, np.take_along_axis(scores, expected, 1), rtol=1e-4)
    assert (lists.counts == 5).all()
    assert lists.items.dtype == np.int32
    assert lists.scores.dtype == np.float32


def test_a_list_is_padded_after_the_unseen_items():
    seen = random_matrix()
    seen[3, 2:] = True
    seen[3, :2] = False
    seen[4] = True
    lists = teacher_lists(
        interactions(seen), TeacherRecipe(kind="filter", length=30, rank=4), seed=0
    )
    assert lists.items.shape == lists.scores.shape == (25, 30)
    assert lists.counts.tolist() == (~seen).sum(1).tolist()
    for user, count in enumerate(lists.counts):
        assert sorted(lists.items[user, :count]) == np.flatnonzero(~seen[user]).tolist()
        assert (lists.items[user, count:] == OUTSIDE).all()
        assert not lists.scores[user, count:].any()


def test_equal_scores_go_to_the_more_popular_item():
    # Items in descending popularity. The last user shares no item with other users.
    seen = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0], [1, 0, 0, 1, 0], [0, 0, 0, 0, 1]])
    recipe = TeacherRecipe(kind="filter", length=3, low_pass=0.0)
    lists = teacher_lists(interactions(seen), recipe, seed=0)
    assert lists.items[3].tolist() == [0, 1, 2]


def test_lists_repeat_for_a_seed_from_interactions_or_edges():
    pairs = interactions(random_matrix())
    recipe = TeacherRecipe(kind="filter", length=5, rank=4)
    edges = EdgeList(pairs.users, pairs.items, pairs.n_users, pairs.n_items)
    before = torch.random.get_rng_state()
    first, second = (teacher_lists(source, recipe, seed=3) for source in (pairs, edges))
    np.testing.assert_array_equal(first.items, second.items)
    np.testing.assert_array_equal(first.scores, second.scores)
    assert torch.equal(before, torch.random.get_rng_state())


def test_shows_a_progress_bar_on_request(capsys):
    pairs = interactions(random_matrix())
    recipe = TeacherRecipe(kind="filter", length=5, low_pass=0.0)
    for progress, shown in ((True, True), (False, False), (None, False)):
        teacher_lists(pairs, recipe, seed=0, progress=progress)
        assert ("teacher" in capsys.readouterr().err) is shown


def listed() -> TeacherLists:
    """Lists of three users: full, shorter with a last score below 0, and empty."""
    return TeacherLists(
        np.array([[4, 1, 2], [3, 0, -1], [-1, -1, -1]], np.int32),
        np.array([[2.0, 1.0, 0.5], [4.0, -1.0, 0.0], [0.0, 0.0, 0.0]], np.float32),
        np.array([3, 2, 0]),
    )


@pytest.mark.parametrize(
    ("discount", "expected"),
    [
        ({"discount_power": 1.0}, [[1 / 2, 1 / 4, 1 / 8], [1, 0, 0], [0, 0, 0]]),
        ({"discount_power": 2.0}, [[1 / 4, 1 / 16, 1 / 64], [1, 0, 0], [0, 0, 0]]),
        ({"discount_power": 0.0}, [[1, 1, 1], [1, 0, 0], [0, 0, 0]]),
        (
            {"discount": "rank", "discount_power": 1.0},
            [[1, 1 / 2, 1 / 3], [1, 1 / 2, 0], [0, 0, 0]],
        ),
        ({"discount": "log2"}, [[1, 1 / np.log2(3), 0.5], [1, 1 / np.log2(3), 0], [0, 0, 0]]),
    ],
)
def test_discounts(discount, expected):
    weights = positive_weights(listed(), np.array([2, 3, 5]), TeacherRecipe(**discount))
    np.testing.assert_allclose(weights.listed, expected, rtol=1e-6)
    assert not weights.seen.any()


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_pairs_get_their_share_of_an_unchanged_sum(share):
    degrees = np.array([2, 3, 5])
    alone = positive_weights(listed(), degrees, TeacherRecipe())
    weights = positive_weights(listed(), degrees, TeacherRecipe(pairs=share))
    np.testing.assert_allclose(weights.listed, (1 - share) * alone.listed, rtol=1e-6)
    whole = alone.listed.sum(1)
    np.testing.assert_allclose(weights.seen * degrees, share * whole, rtol=1e-6)
    assert weights.listed.dtype == weights.seen.dtype == np.float32


def test_restores_lists_from_the_tensors_of_a_checkpoint():
    seen = random_matrix()
    seen[4] = True
    made = teacher_lists(
        interactions(seen), TeacherRecipe(kind="filter", length=16, rank=4), seed=0
    )
    kept = TeacherLists.of_tensors({**made.tensors(), "users": torch.zeros(1)})
    np.testing.assert_array_equal(kept.items, made.items)
    np.testing.assert_array_equal(kept.scores, made.scores)
    np.testing.assert_array_equal(kept.counts, made.counts)
    assert kept.counts.dtype == made.counts.dtype
