"""The choice of repeats, and their way from the rows to the release."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bitrecall.index.recommend.recommender import Recommender
from bitrecall.index.recommend.types import QueryOptions
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.repeats import Repeats
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.dataset import Dataset
from bitrecall.training.data.load import dataset_of
from bitrecall.training.data.read_options import ReadOptions, Split
from bitrecall.training.data.row_ages import RowAges
from bitrecall.training.data.validation_cut import ValidationCut, validation_cut
from bitrecall.training.evaluation.evaluate import evaluate
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import TrainedModel, fit_interactions
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.repeats.choice import validated_repeats
from bitrecall.training.training_options import TrainingOptions

from .conftest import log

pytestmark = pytest.mark.slow


def cut(dataset: Dataset, recipe: Recipe) -> ValidationCut:
    validation = recipe.validation
    return validation_cut(
        dataset.train, dataset.rows, validation.share, recipe.seed, validation.cut
    )


def fit(dataset: Dataset, recipe: Recipe) -> TrainedModel:
    part, held_out, _ = cut(dataset, recipe)
    return fit_interactions(part, recipe, FitOptions(), held_out=held_out)


def choose(model: TrainedModel, dataset: Dataset, recipe: Recipe) -> dict[str, Any] | None:
    latest = cut(dataset, recipe).latest
    return validated_repeats(model, recipe, None, dataset.train, dataset.rows, latest)


@pytest.fixture(scope="module")
def model(habits: Dataset, small_recipe: Recipe) -> TrainedModel:
    return fit(habits, small_recipe)


def publish(dataset: Dataset, recipe: Recipe, tmp_path: Path) -> Release:
    options = TrainingOptions(tmp_path / "run", progress_bar=False)
    pipeline = TrainingPipeline(dataset, recipe, options)
    return pipeline.publish(ReleaseStore(tmp_path / "releases")).release


def test_own_items_have_rates_if_users_take_them_again(
    model: TrainedModel, habits: Dataset, small_recipe: Recipe
) -> None:
    chosen = choose(model, habits, small_recipe)
    assert chosen is not None
    repeats = Repeats.from_fields(chosen)
    assert repeats.fault() is None
    assert repeats.own_rates[-1] > 2 * repeats.own_rates[0]


def test_is_off_without_repetitions_or_the_latest_pairs_or_by_the_recipe(
    model: TrainedModel, habits: Dataset, small_recipe: Recipe
) -> None:
    once = RowAges.of_pairs(habits.train)
    assert choose(model, replace(habits, rows=None), small_recipe) is None
    assert choose(model, replace(habits, rows=once), small_recipe) is None
    for section, values in (("validation", {"cut": "random"}), ("release", {"repeats": "off"})):
        changed = getattr(small_recipe, section).model_copy(update=values)
        recipe = small_recipe.model_copy(update={section: changed})
        assert choose(model, habits, recipe) is None


def test_is_off_if_counts_do_not_matter(habits: Dataset, small_recipe: Recipe) -> None:
    """Users take any item at random, own or not."""
    generator = np.random.default_rng(0)
    table = log(0.0)
    items = [f"i{row}" for row in generator.integers(0, 40, len(table))]
    frame = table.with_columns(item_id=np.array(items))
    dataset = dataset_of(frame, ReadOptions(split=Split.NONE))
    assert dataset.rows is not None
    model = fit(dataset, small_recipe)
    assert choose(model, dataset, small_recipe) is None


@pytest.mark.parametrize("refit", [True, False])
def test_a_release_has_the_rates_and_the_counts(
    model: TrainedModel, habits: Dataset, small_recipe: Recipe, tmp_path: Path, refit: bool
) -> None:
    validation = small_recipe.validation.model_copy(update={"refit": refit})
    recipe = small_recipe.model_copy(update={"validation": validation})
    release = publish(habits, recipe, tmp_path)
    chosen = choose(model, habits, small_recipe)
    assert chosen is not None
    assert release.repeats == Repeats.from_fields(chosen)
    row = release.users.row_of("u7")
    assert row is not None
    own = release.own_items(row)
    taken = log(0.6).filter(user_id="u7")["item_id"].to_list()
    for item, decayed, count in zip(
        release.items.ids_of(own.rows), own.decayed, own.counts, strict=True
    ):
        ages = np.array([len(taken) - 1 - at for at, other in enumerate(taken) if other == item])
        assert count == len(ages)
        assert decayed == pytest.approx(np.exp(-ages / release.repeats.decay).sum(), rel=1e-3)


def test_a_release_without_repetitions_has_none(
    habits: Dataset, small_recipe: Recipe, tmp_path: Path
) -> None:
    release = publish(replace(habits, rows=None), small_recipe, tmp_path)
    assert (release.repeats, release.seen_counts, release.seen_decayed) == (None, None, None)


def test_evaluation_lists_own_items_like_the_service_and_finds_more_of_them(
    small_recipe: Recipe, tmp_path: Path
) -> None:
    dataset = dataset_of(log(0.6), ReadOptions(split=Split.TIME))
    held_out = dataset.held_out(with_repeats=True)
    assert held_out is not None
    release = publish(replace(dataset, test=None), small_recipe, tmp_path)
    report = evaluate(release, held_out, (5,), exclude_seen=False, progress=False)
    plain = replace(release, manifest=replace(release.manifest, repeats=None))
    before = evaluate(plain, held_out, (5,), exclude_seen=False, progress=False)
    assert report.metrics["recall@5"] > 1.2 * before.metrics["recall@5"]
    recommender = Recommender(release)
    hits = []
    for user in np.flatnonzero(held_out.user_degrees):
        targets = {held_out.item_ids[item] for item in held_out.items_of(user)}
        options = QueryOptions(5, exclude_seen=False)
        items = recommender.recommend(held_out.user_ids[user], options).item_ids
        hits.append(len(targets & {*items}) / len(targets))
    assert report.metrics["recall@5"] == pytest.approx(np.mean(hits))
