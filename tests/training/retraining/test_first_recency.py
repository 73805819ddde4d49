"""The recency of a first release from retraining: chosen with the pairs held out for the gate."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.split import cut_validation
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import TrainedModel, fit_interactions
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.retraining.collect import collect
from bitrecall.training.retraining.first_recency import first_recency, in_rows_of
from tests.training.recency.conftest import drifting, drifting_recipe

__all__ = ["drifting", "drifting_recipe"]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def split(drifting: Interactions) -> tuple[Interactions, Interactions]:
    return cut_validation(drifting, 0.25, 0, "latest")


@pytest.fixture(scope="module")
def model(split: tuple[Interactions, Interactions], drifting_recipe: Recipe) -> TrainedModel:
    return fit_interactions(split[0].compact(), drifting_recipe, FitOptions())


def test_leans_if_the_newest_items_predict_the_next(
    model: TrainedModel,
    split: tuple[Interactions, Interactions],
    drifting: Interactions,
    drifting_recipe: Recipe,
) -> None:
    data = collect(None, drifting, [])
    recency = first_recency(model, data, split[1], drifting_recipe)
    assert recency is not None
    assert recency.fresh_strength > 0
    unknown_times = replace(data, moments=np.full(len(data.pairs), np.nan))
    assert first_recency(model, unknown_times, split[1], drifting_recipe) is None


def named(pairs: Interactions, rows: Iterable[int]) -> list[tuple[str, str]]:
    return [(pairs.user_ids[pairs.users[row]], pairs.item_ids[pairs.items[row]]) for row in rows]


def test_maps_pairs_to_the_rows_of_a_model_in_their_order() -> None:
    train = Interactions(
        ["b", "a"], ["y", "z", "x"], np.array([0, 1], np.int32), np.array([0, 2], np.int32)
    )
    pairs = Interactions(
        ["a", "b", "new"],
        ["x", "y", "new", "z"],
        np.array([0, 0, 0, 1, 2], np.int32),
        np.array([0, 2, 3, 1, 0], np.int32),
        order=np.array([5.0, 6.0, 4.0, 9.0, 1.0]),
    )
    mapped = in_rows_of(train, pairs)
    assert (mapped.user_ids, mapped.item_ids) == (train.user_ids, train.item_ids)
    assert mapped.order is not None
    by_order = np.argsort(mapped.order)
    assert named(mapped, by_order.tolist()) == [("a", "z"), ("a", "x"), ("b", "y")]
