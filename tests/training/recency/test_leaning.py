"""Embeddings of validated users have the codes that a release of the model would have."""

from pathlib import Path

import numpy as np
import pytest

from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.export import release_contents
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import TrainedModel, fit_interactions
from bitrecall.training.recency.leaning import leaning_embeddings
from bitrecall.training.recipe.recipe import Recipe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model(drifting: Interactions, drifting_recipe: Recipe) -> TrainedModel:
    return fit_interactions(drifting, drifting_recipe, FitOptions())


def test_the_signs_are_the_published_codes(
    model: TrainedModel, drifting_recipe: Recipe, tmp_path: Path
) -> None:
    recency = Recency(2.0, 1.0, 1.0)
    embeddings = leaning_embeddings(model, drifting_recipe, recency)
    contents = release_contents(model.embeddings, model.train, drifting_recipe, recency=recency)
    release = ReleaseStore(tmp_path).publish(contents)
    codes = np.packbits(embeddings.users.numpy() >= 0, axis=1, bitorder="little")
    assert np.array_equal(codes, release.user_codes(np.arange(release.n_users)))
    assert embeddings.items is model.embeddings.items


@pytest.mark.parametrize("recency", [None, Recency(2.0, 0.0, 1.0)])
def test_embeddings_without_strength_are_the_trained_ones(
    model: TrainedModel, drifting_recipe: Recipe, recency: Recency | None
) -> None:
    assert leaning_embeddings(model, drifting_recipe, recency) is model.embeddings
