"""Weights of interactions change the trained codes, and are in the release."""

import numpy as np
import pytest
import torch

from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.collapse import collapse
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.recipe.recipe_file import load_recipe, parse_recipe
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.teacher.teacher_lists import teacher_lists
from bitrecall.training.training_options import TrainingOptions
from tests.training.weighted_pairs import some_pairs

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


def fitted(pairs, recipe):
    return FitLoop(pairs, recipe, epochs=recipe.fit.epochs).run().embeddings


def chain(weight_of_a, weight_of_b):
    """Users 0 and 1 have x, user 2 has x and a, user 3 has x and b; a and b have these weights.

    Without weights, a and b are equally good for users 0 and 1.
    """
    rows = [(0, 0, 1), (1, 0, 1), (2, 0, 1), (2, 1, weight_of_a), (3, 0, 1), (3, 2, weight_of_b)]
    users, items, weights = zip(*rows, strict=True)
    return Interactions(
        list("0123"), ["x", "a", "b"], np.array(users, np.int32), np.array(items, np.int32),
        None, None, np.array(weights, np.float32),
    )  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_equal_weights_change_nothing(name):
    recipe = recipe_of(name)
    plain, *others = (fitted(some_pairs(weight), recipe) for weight in (None, 1, 0.2, 7))
    for other in others:
        assert torch.equal(plain.users, other.users)
        assert torch.equal(plain.items, other.items)


@pytest.mark.parametrize("name", METHODS)
def test_different_weights_change_the_codes_but_their_scale_does_not(name):
    recipe = recipe_of(name)
    pairs = some_pairs("some")
    plain, weighted = fitted(some_pairs(), recipe), fitted(pairs, recipe)
    assert not torch.allclose(plain.users, weighted.users)
    # A power of two scales a float exactly.
    scaled = Interactions(
        pairs.user_ids, pairs.item_ids, pairs.users, pairs.items, pairs.times, None,
        pairs.weights * np.float32(8),
    )  # fmt: skip
    assert torch.equal(fitted(scaled, recipe).items, weighted.items)


@pytest.mark.parametrize("kind", ["filter", "ease"])
@pytest.mark.parametrize(("weights", "best"), [((5, 1), 1), ((1, 5), 2), ((0.2, 0.1), 1)])
def test_a_teacher_ranks_the_item_with_the_larger_weight_first(kind, weights, best):
    recipe = TeacherRecipe(
        kind=kind, length=2, low_pass=0, sharpen=0, user_power=0.3, item_power=0.4, regularisation=1
    )
    lists = teacher_lists(chain(*weights), recipe, seed=0)
    assert lists.items[0, 0] == best
    assert lists.items[1, 0] == best


@pytest.mark.parametrize("name", ["bitrecall", "with pairs", "lightgcn"])
def test_items_with_larger_weights_score_higher(name):
    # Each user has four items; items with an odd number have a larger weight (bought, not viewed).
    rows = []
    for user in range(40):
        chosen = np.random.default_rng(user).choice(10, 4, replace=False)
        rows += [(user, int(item), 5.0 if item % 2 else 0.2) for item in chosen]
    users, items, weights = (np.array(column) for column in zip(*rows, strict=True))
    ids = [f"u{n}" for n in range(40)], [f"i{n}" for n in range(10)]
    scores = {}
    for key, pair_weights in (("plain", None), ("weighted", weights)):
        pairs = collapse(*ids, users.astype(np.int32), items.astype(np.int32), weights=pair_weights)
        embeddings = fitted(pairs, recipe_of(name))
        products = embeddings.users @ embeddings.items.T
        if embeddings.similarity == "hamming":
            products = torch.where(embeddings.users >= 0, 1.0, -1.0) @ torch.where(
                embeddings.items >= 0, 1.0, -1.0
            ).T  # fmt: skip
        scores[key] = float(products[:, 1::2].mean() - products[:, 0::2].mean())
    assert scores["weighted"] > scores["plain"]


def test_a_release_keeps_the_weights_of_its_pairs(tmp_path):
    pairs = some_pairs("some")
    for name, interactions in (("weighted", pairs), ("plain", some_pairs())):
        recipe = load_recipe("sample", ("fit.epochs=1", "bits=16"))
        run = TrainingPipeline(
            Dataset(interactions, None, "a test", ReadReport()), recipe,
            TrainingOptions(tmp_path / name / "run", progress_bar=False),
        )  # fmt: skip
        run.publish(ReleaseStore(tmp_path / name))
    release = ReleaseStore(tmp_path / "weighted").open_current()
    assert ReleaseStore(tmp_path / "plain").open_current().seen_weights is None
    stored = {}
    for user in range(release.n_users):
        start, end = release.seen.indptr[user : user + 2]
        for place in range(start, end):
            ids = release.users.ids_of([user]) + release.items.ids_of([release.seen.rows[place]])
            stored[tuple(ids)] = release.seen_weights[place]
    assert stored == {
        (pairs.user_ids[user], pairs.item_ids[item]): weight
        for user, item, weight in zip(pairs.users, pairs.items, pairs.weights, strict=True)
    }
