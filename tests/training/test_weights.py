"""Weights of pairs: from the interactions through teacher, graph and loss to the codes."""

import numpy as np
import pytest
import torch

from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.read_options import PairWeight
from bitrecall.training.data.split import by_time, cut_validation, random_per_user
from bitrecall.training.errors import DataError
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.hashing.pair_batches import PairBatches
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.pipeline import TrainingOptions, TrainingPipeline
from bitrecall.training.recipe.recipe_file import load_recipe, parse_recipe
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.normalised_pairs import degrees, interaction_matrix
from bitrecall.training.teacher.teacher_lists import teacher_lists

pytestmark = pytest.mark.slow

METHODS = {
    "bitrecall": {"teacher": {"rank": 4, "lightgcn": {"weight": 0.5, "epochs": 2}}},
    "ease": {"method": "bitrecall", "teacher": {"kind": "ease", "regularisation": 5.0}},
    "with pairs": {"method": "bitrecall", "teacher": {"rank": 4, "pairs": 0.5}},
    "proposed": {"fit": {"hidden": 0.0}},
    "proposed, hidden": {"method": "proposed", "fit": {"hidden": 0.3}},
    "bgch": {},
    "hashgnn": {},
    "hashrec": {},
    "lightgcn": {},
}


def recipe_of(name):
    changes = {"method": name, **METHODS[name]}
    changes["fit"] = {"epochs": 2, "batch_users": 16, **changes.get("fit", {})}
    return parse_recipe({"name": "test", "bits": 16, "seed": 3, **changes}, "a test")


def some_pairs(weights=None, *, seed=0):
    generator = np.random.default_rng(seed)
    keys = np.sort(generator.choice(30 * 20, 200, replace=False))
    users, items = (keys // 20).astype(np.int32), (keys % 20).astype(np.int32)
    if weights == "some":
        weights = generator.choice([0.2, 0.5, 1.0], len(keys)).astype(np.float32)
    elif weights is not None:
        weights = np.full(len(keys), weights, np.float32)
    pairs = Interactions(
        [f"u{n}" for n in range(30)],
        [f"i{n}" for n in range(20)],
        users,
        items,
        np.arange(len(keys), dtype=np.float64),
        None,
        weights,
    )
    return reorder_items(pairs, popularity_order(pairs))


def fitted(pairs, recipe):
    return FitLoop(pairs, recipe, epochs=recipe.fit.epochs).run().embeddings


@pytest.mark.parametrize("name", METHODS)
def test_weights_that_are_all_alike_change_nothing(name):
    recipe = recipe_of(name)
    plain, *others = (fitted(some_pairs(weight), recipe) for weight in (None, 1, 0.2, 7))
    for other in others:
        assert torch.equal(plain.users, other.users)
        assert torch.equal(plain.items, other.items)


@pytest.mark.parametrize("name", METHODS)
def test_weights_change_every_method_and_their_scale_does_not(name):
    recipe = recipe_of(name)
    pairs = some_pairs("some")
    plain, weighed = fitted(some_pairs(), recipe), fitted(pairs, recipe)
    assert not torch.allclose(plain.users, weighed.users)
    # A power of two scales a float exactly.
    scaled = Interactions(
        pairs.user_ids, pairs.item_ids, pairs.users, pairs.items, pairs.times, None,
        pairs.weights * np.float32(8),
    )  # fmt: skip
    assert torch.equal(fitted(scaled, recipe).items, weighed.items)


def chain(weight_of_a, weight_of_b):
    """Users 0 and 1 have x; user 2 has x and a, user 3 has x and b, with these weights.

    By the plain pairs, a and b are as good for users 0 and 1.
    """
    rows = [(0, 0, 1), (1, 0, 1), (2, 0, 1), (2, 1, weight_of_a), (3, 0, 1), (3, 2, weight_of_b)]
    users, items, weights = zip(*rows, strict=True)
    return Interactions(
        list("0123"), ["x", "a", "b"], np.array(users, np.int32), np.array(items, np.int32),
        None, None, np.array(weights, np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["filter", "ease"])
@pytest.mark.parametrize(("weights", "best"), [((5, 1), 1), ((1, 5), 2), ((0.2, 0.1), 1)])
def test_a_teacher_ranks_the_heavier_item_first(kind, weights, best):
    recipe = TeacherRecipe(
        kind=kind, length=2, low_pass=0, sharpen=0, user_power=0.3, item_power=0.4, regularisation=1
    )
    lists = teacher_lists(chain(*weights), recipe, seed=0)
    assert lists.items[0, 0] == best
    assert lists.items[1, 0] == best


@pytest.mark.parametrize("name", ["bitrecall", "with pairs", "lightgcn"])
def test_what_is_bought_ranks_above_what_is_viewed(name):
    # Each of two groups of items is liked by half the users; group A is bought, B viewed.
    rows = []
    for user in range(40):
        taken = np.random.default_rng(user).choice(10, 4, replace=False)
        rows += [(user, int(item), 5.0 if item % 2 else 0.2) for item in taken]
    users, items, weights = (np.array(column) for column in zip(*rows, strict=True))
    ids = [f"u{n}" for n in range(40)], [f"i{n}" for n in range(10)]
    scores = {}
    for key, given in (("plain", None), ("weighed", weights)):
        pairs = collapse(*ids, users.astype(np.int32), items.astype(np.int32), weights=given)
        found = fitted(pairs, recipe_of(name))
        products = found.users @ found.items.T
        if found.similarity == "hamming":
            products = torch.where(found.users >= 0, 1.0, -1.0) @ torch.where(
                found.items >= 0, 1.0, -1.0
            ).T  # fmt: skip
        scores[key] = float(products[:, 1::2].mean() - products[:, 0::2].mean())
    assert scores["weighed"] > scores["plain"]


def test_a_pair_weighs_the_largest_of_its_rows_or_their_sum():
    rows = ["a"], ["x", "y"], np.zeros(4, np.int32), np.array([0, 1, 0, 0], np.int32)
    weights = np.array([0.2, 1, 0.5, 0.2])
    assert collapse(*rows, weights=weights).weights.tolist() == [np.float32(0.5), 1]
    total = collapse(*rows, weights=weights, pair_weight=PairWeight.SUM).weights
    np.testing.assert_allclose(total, [0.9, 1], rtol=1e-6)
    assert collapse(*rows).weights is None


def test_weights_stay_with_their_pairs():
    pairs = some_pairs("some")
    weight_of = dict(zip(zip(pairs.users, pairs.items, strict=True), pairs.weights, strict=True))
    named = {
        (pairs.user_ids[user], pairs.item_ids[item]): weight
        for (user, item), weight in weight_of.items()
    }
    parts = [
        pairs.select(pairs.items % 3 == 0).compact(),
        reorder_items(pairs, np.arange(20)[::-1]),
        *by_time(pairs, 0.3),
        *random_per_user(pairs, 0.3, 1),
        *cut_validation(pairs, 0.3, 1, "latest"),
    ]
    for part in parts:
        assert len(part)
        for user, item, weight in zip(part.users, part.items, part.weights, strict=True):
            assert named[part.user_ids[user], part.item_ids[item]] == weight


def test_the_fingerprint_is_of_the_weights_too_and_as_before_without():
    # The digest of these pairs before there were weights.
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
def test_weights_are_above_zero_and_finite(weight):
    with pytest.raises(DataError, match="above 0"):
        some_pairs(weight)


def test_the_graph_is_normalised_by_sums_of_weights():
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


def test_the_teachers_degrees_are_sums_of_weights():
    pairs = some_pairs("some")
    matrix = interaction_matrix(pairs)
    of_users, of_items = degrees(matrix)
    np.testing.assert_allclose(of_users, np.asarray(matrix.sum(1)).ravel(), rtol=1e-6)
    np.testing.assert_allclose(of_items, np.asarray(matrix.sum(0)).ravel(), rtol=1e-6)
    same = interaction_matrix(EdgeList.of(pairs))
    assert (matrix != same).nnz == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("by_user", [True, False])
@pytest.mark.parametrize("hidden", [0.0, 0.4])
def test_positives_count_in_proportion_to_their_weights(by_user, hidden):
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
    own = np.array(
        [weight_of[pair] for pair in zip(rows, batch.positives.items.numpy(), strict=True)]
    )
    expected = own / own.sum()
    if by_user:
        sums = np.bincount(rows, own, 30)
        expected = own / sums[rows] / (sums > 0).sum()
    np.testing.assert_allclose(batch.weights, expected, rtol=1e-5)


def test_a_release_keeps_the_weights_of_its_pairs(tmp_path):
    pairs = some_pairs("some")
    for name, given in (("weighed", pairs), ("plain", some_pairs())):
        recipe = load_recipe("sample", ("fit.epochs=1", "bits=16"))
        run = TrainingPipeline(
            Dataset(given, None, "a test", ReadReport()), recipe,
            TrainingOptions(tmp_path / name / "run", progress_bar=False),
        )  # fmt: skip
        run.publish(ReleaseStore(tmp_path / name))
    release = ReleaseStore(tmp_path / "weighed").open_current()
    assert ReleaseStore(tmp_path / "plain").open_current().seen_weights is None
    found = {}
    for user in range(release.n_users):
        start, end = release.seen.indptr[user : user + 2]
        for place in range(start, end):
            ids = release.users.ids_of([user]) + release.items.ids_of([release.seen.rows[place]])
            found[tuple(ids)] = release.seen_weights[place]
    assert found == {
        (pairs.user_ids[user], pairs.item_ids[item]): weight
        for user, item, weight in zip(pairs.users, pairs.items, pairs.weights, strict=True)
    }
