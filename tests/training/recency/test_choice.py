"""The choice of a recency, and its way from the validation to the release."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bitrecall.index.releases.recency import Recency
from bitrecall.index.releases.release import Release
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.data.histories import histories
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import InterruptedTraining
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import TrainedModel, fit_interactions
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.recency.choice import validated_recency
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.training_options import TrainingOptions

pytestmark = pytest.mark.slow


def changed(recipe: Recipe, section: str, **values: object) -> Recipe:
    updated = getattr(recipe, section).model_copy(update=values)
    return recipe.model_copy(update={section: updated})


def fit(pairs: Interactions, recipe: Recipe) -> TrainedModel:
    validation = recipe.validation
    part, held_out = cut_validation(pairs, validation.share, recipe.seed, validation.cut)
    return fit_interactions(part, recipe, FitOptions(), held_out=held_out)


@pytest.fixture(scope="module")
def model(drifting: Interactions, drifting_recipe: Recipe) -> TrainedModel:
    return fit(drifting, drifting_recipe)


def test_leans_on_the_newest_items_if_they_predict_the_next(
    model: TrainedModel, drifting_recipe: Recipe
) -> None:
    chosen = validated_recency(model, drifting_recipe)
    assert chosen is not None
    recency = Recency(**chosen)
    assert recency.fault() is None
    assert recency.fresh_strength > 0
    assert recency.history_decay is not None
    assert validated_recency(model, drifting_recipe) == chosen


def test_does_not_lean_if_the_order_says_nothing(
    clustered: Interactions, drifting_recipe: Recipe
) -> None:
    random_times = np.random.default_rng(0).random(len(clustered))
    pairs = replace(clustered, times=random_times, order=random_times)
    assert validated_recency(fit(pairs, drifting_recipe), drifting_recipe) is None


def test_is_off_without_an_order_or_the_latest_pairs_or_by_the_recipe(
    model: TrainedModel, drifting: Interactions, drifting_recipe: Recipe
) -> None:
    as_set = replace(drifting, times=None, order=None)
    assert validated_recency(fit(as_set, drifting_recipe), drifting_recipe) is None
    at_random = changed(drifting_recipe, "validation", cut="random")
    assert validated_recency(model, at_random) is None
    off = changed(drifting_recipe, "release", recency="off")
    assert validated_recency(model, off) is None
    assert validated_recency(replace(model, validator=None), drifting_recipe) is None


def test_is_off_for_a_handful_of_users(drifting: Interactions, drifting_recipe: Recipe) -> None:
    few = drifting.select(drifting.users < 20).compact()
    assert validated_recency(fit(few, drifting_recipe), drifting_recipe) is None


def test_users_with_a_single_held_out_pair_lean_alike_with_and_without_fresh_items(
    drifting: Interactions, drifting_recipe: Recipe
) -> None:
    recipe = changed(drifting_recipe, "validation", share=0.05)
    chosen = validated_recency(fit(drifting, recipe), recipe)
    assert chosen is not None
    assert chosen["fresh_strength"] == chosen["known_strength"]


def publish(pairs: Interactions, recipe: Recipe, tmp_path: Path) -> Release:
    dataset = Dataset(pairs, None, "drifting", ReadReport())
    options = TrainingOptions(tmp_path / "run", progress_bar=False)
    pipeline = TrainingPipeline(dataset, recipe, options)
    return pipeline.publish(ReleaseStore(tmp_path / "releases")).release


@pytest.mark.parametrize("refit", [True, False])
def test_a_release_has_the_chosen_recency_and_the_ages(
    model: TrainedModel,
    drifting: Interactions,
    drifting_recipe: Recipe,
    tmp_path: Path,
    refit: bool,
) -> None:
    recipe = changed(drifting_recipe, "validation", refit=refit)
    release = publish(drifting, recipe, tmp_path)
    chosen = validated_recency(model, drifting_recipe)
    assert chosen is not None
    assert release.recency == Recency(**chosen)
    assert release.seen_ages is not None
    row = release.users.row_of("user-7")
    assert row is not None
    rows, begin = release.seen[row], int(release.seen.indptr[row])
    ages = release.seen_ages[begin : begin + len(rows)]
    newest_first = release.items.ids_of(rows[np.argsort(ages)])
    (taken,) = histories(drifting, [drifting.user_ids.index("user-7")])
    assert newest_first == [drifting.item_ids[item] for item in taken[::-1]]


def test_a_release_without_validation_has_ages_and_no_recency(
    drifting: Interactions, drifting_recipe: Recipe, tmp_path: Path
) -> None:
    release = publish(drifting, changed(drifting_recipe, "validation", share=0.0), tmp_path)
    assert release.recency is None
    assert release.seen_ages is not None


def test_a_release_without_an_order_has_neither(
    drifting: Interactions, drifting_recipe: Recipe, tmp_path: Path
) -> None:
    release = publish(replace(drifting, times=None, order=None), drifting_recipe, tmp_path)
    assert (release.recency, release.seen_ages, release.leaning_codes) == (None, None, None)


def test_a_run_resumed_in_the_final_fit_keeps_the_recency(
    model: TrainedModel,
    drifting: Interactions,
    drifting_recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = TrainingPipeline._fit

    def stop_in_final(self: TrainingPipeline, *arguments: object, **others: object) -> object:
        if arguments[2] == "final":
            raise InterruptedTraining("stopped")
        return original(self, *arguments, **others)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(TrainingPipeline, "_fit", stop_in_final)
        with pytest.raises(InterruptedTraining):
            publish(drifting, drifting_recipe, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr("bitrecall.training.pipeline.validated_recency", lambda *_: 1 / 0)
        release = publish(drifting, drifting_recipe, tmp_path)
    chosen = validated_recency(model, drifting_recipe)
    assert chosen is not None
    assert release.recency == Recency(**chosen)
