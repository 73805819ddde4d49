import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrecall.reproduction.measures import measure
from bitrecall.reproduction.second_stage_study import neighbour_scores, second_stages
from bitrecall.reproduction.trial import Trial
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.split import random_per_user
from bitrecall.training.errors import StudyError
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.metrics import OUTSIDE
from bitrecall.training.model.method import Embeddings
from bitrecall.training.recipe.recipe_file import parse_recipe

RECIPE = parse_recipe({"bits": 16, "validation": {"share": 0.3}}, "small")


@pytest.fixture(scope="module")
def question(clustered):
    pairs, held_out = random_per_user(clustered, 0.3, seed=0)
    order = popularity_order(pairs)
    return reorder_items(pairs, order), reorder_items(held_out, order)


@pytest.fixture(scope="module")
def noise(question):
    generator = torch.Generator().manual_seed(0)
    users = torch.randn(question[0].n_users, 16, generator=generator)
    items = torch.randn(question[0].n_items, 16, generator=generator)
    return Embeddings(users, items, [items])


def test_neighbours_find_items_that_the_codes_miss(question, noise):
    pairs, held_out = question
    users = np.flatnonzero(held_out.user_degrees)
    stages = {stage.name: stage for stage in second_stages(noise, pairs, held_out, users, RECIPE)}
    alone = stages["hamming alone"]
    assert alone.weight == 0
    # The codes are noise, and all 80 items are candidates: the groups show in the neighbours.
    for count in (16, 32, 64):
        best = stages[f"{count} neighbours, first 300"]
        assert best.metrics["recall@20"] > alone.metrics["recall@20"] + 0.3
        assert best.weight > 0
    assert "popularity, first 100" in stages
    assert "real-valued user, first 100" in stages
    assert {stage.users for stage in stages.values()} == {len(users) - len(users) // 2}


def test_hamming_alone_equals_the_validation_metrics(question, noise):
    pairs, held_out = question
    users = np.flatnonzero(held_out.user_degrees)
    alone = second_stages(noise, pairs, held_out, users, RECIPE)[0]
    validated = Validator(pairs, held_out, RECIPE)(noise)
    # Half of the users, so not the same number, but of the same kind; recall@100 of 80 is all.
    assert alone.metrics["recall@100"] == validated["recall@100"] == 1
    assert alone.metrics["recall@20"] == pytest.approx(validated["recall@20"], abs=0.1)


def test_the_measure_trains_and_tries_every_second_stage(clustered, tmp_path):
    recipe = parse_recipe(
        {
            "method": "proposed",
            "bits": 16,
            "fit": {"epochs": 1, "batch_users": 64},
            "validation": {"share": 0.2},
        },
        "small",
    )
    dataset = Dataset(clustered, None, "clustered", ReadReport())
    outcomes = measure("second-stage", Trial(dataset, recipe, tmp_path, progress_bar=False))
    recalls = {outcome.variant: outcome.metrics["recall@20"] for outcome in outcomes}
    assert len(recalls) == 11
    assert recalls["64 neighbours, first 300"] > recalls["hamming alone"]
    assert all(outcome.epochs == 1 for outcome in outcomes)


def test_rejects_a_single_user(question, noise):
    with pytest.raises(StudyError, match="at least 2 users"):
        second_stages(noise, *question, np.array([0]), RECIPE)  # type: ignore[call-arg]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 7), st.integers(1, 9))
def test_sums_neighbours_over_the_history(seed, users, items):
    generator = np.random.default_rng(seed)
    histories = (generator.random((users, items)) < 0.5).astype(np.float32)
    neighbours = generator.random((items, items)).astype(np.float32)
    candidates = np.stack([generator.permutation(items) for _ in range(users)])
    candidates[:, items // 2 + 1 :] = OUTSIDE
    scores = neighbour_scores(sp.csr_matrix(histories), sp.csr_matrix(neighbours), candidates)
    for user in range(users):
        for place, item in enumerate(candidates[user]):
            votes = sum(
                neighbours[history_item, item] for history_item in np.flatnonzero(histories[user])
            )
            assert scores[user, place] == pytest.approx(0 if item == OUTSIDE else votes, abs=1e-5)
