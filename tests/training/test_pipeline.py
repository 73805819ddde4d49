import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from bitrecall.index.errors import ReleaseError
from bitrecall.index.releases.store import ReleaseStore
from bitrecall.index.search.packing import pack_signs
from bitrecall.training.data.dataset import Dataset, ReadReport
from bitrecall.training.errors import CheckpointError, InterruptedTraining, TrainingError
from bitrecall.training.evaluation.evaluate import evaluate
from bitrecall.training.evaluation.inner_product import score
from bitrecall.training.fitting.best_epoch import BestEpoch
from bitrecall.training.pipeline import TrainingPipeline
from bitrecall.training.training_options import TrainingOptions, default_run_folder

pytestmark = pytest.mark.slow


def run(dataset, recipe, tmp_path, **choices):
    options = TrainingOptions(tmp_path / "run", progress_bar=False, **choices)
    return TrainingPipeline(dataset, recipe, options).publish(ReleaseStore(tmp_path / "releases"))


def override(recipe, section: str, **values):
    changed = getattr(recipe, section).model_copy(update=values)
    return recipe.model_copy(update={section: changed})


def log_of(tmp_path) -> list[dict]:
    return [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]


def test_publishes_a_release_with_high_recall(clustered_dataset, small_recipe, tmp_path):
    result = run(clustered_dataset, small_recipe, tmp_path)
    release = ReleaseStore(tmp_path / "releases").open_current()
    assert release.id == result.release.id
    metrics = release.manifest.metrics
    assert metrics["split"] == "test"
    # 80 items, 20 of them in the user's group: random lists would have a recall of 1/4.
    assert metrics["recall@20"] > 0.6
    report = evaluate(release, clustered_dataset.test, (20, 50, 100))
    assert report.metrics["recall@20"] == metrics["recall@20"]
    assert release.manifest.recipe["epochs_trained"] == result.epochs
    events = [(record["event"], record.get("phase")) for record in log_of(tmp_path)]
    assert events[0][0] == "start"
    assert events[-1][0] == "published"
    assert ("epoch", "validation") in events
    assert ("epoch", "final") in events
    assert log_of(tmp_path)[-1]["peak_rss_mib"] == result.peak_rss_mib > 50
    assert not list((tmp_path / "run").glob("*.npz"))


def test_the_final_fit_continues_from_the_best_epoch(clustered_dataset, small_recipe, tmp_path):
    result = run(clustered_dataset, small_recipe, tmp_path)
    records = [record for record in log_of(tmp_path) if record["event"] == "epoch"]
    validated = [r for r in records if r["phase"] == "validation"]
    best = max(validated, key=lambda record: record["metrics"]["recall@20"])
    final = [r for r in records if r["phase"] == "final"]
    assert len(final) == min(best["epoch"], 12)
    assert result.epochs == best["epoch"] + len(final)
    assert result.validation == best["metrics"]
    # From scratch, the loss of an epoch is as high as at the start of the validation.
    assert final[0]["loss"] < validated[0]["loss"] - 0.02


def test_runs_all_epochs_without_a_validation_share(clustered_dataset, small_recipe, tmp_path):
    recipe = override(small_recipe, "validation", share=0.0)
    assert run(clustered_dataset, recipe, tmp_path).epochs == 4
    recipe = override(recipe, "fit", stop_after=2)
    assert run(clustered_dataset, recipe, tmp_path).epochs == 2
    assert {r.get("phase") for r in log_of(tmp_path) if r["event"] == "epoch"} == {"final"}


def test_without_refit_validation_pairs_are_seen_but_not_trained_on(
    clustered_dataset, small_recipe, tmp_path
):
    recipe = override(small_recipe, "validation", refit=False)
    untested = Dataset(clustered_dataset.train, None, "clustered", ReadReport())
    result = run(untested, recipe, tmp_path)
    assert result.release.manifest.metrics["split"] == "validation"
    assert result.release.manifest.metrics["recall@20"] == result.validation["recall@20"]
    assert len(result.release.seen.rows) == len(clustered_dataset.train)
    assert {r.get("phase") for r in log_of(tmp_path) if r["event"] == "epoch"} == {"validation"}


def test_runs_with_the_same_seed_publish_the_same_codes(clustered_dataset, small_recipe, tmp_path):
    first = run(clustered_dataset, small_recipe, tmp_path / "a").release
    second = run(clustered_dataset, small_recipe, tmp_path / "b").release
    assert (first.item_codes == second.item_codes).all()
    assert (first.user_embeddings == second.user_embeddings).all()


@pytest.mark.parametrize("phase", ["validation", "final"])
def test_resumes_an_interrupted_run_in_either_phase(
    clustered_dataset, small_recipe, tmp_path, monkeypatch, phase
):
    import os
    import signal

    from bitrecall.training.hashing.hashing_method import HashingMethod

    uninterrupted = run(clustered_dataset, small_recipe, tmp_path / "uninterrupted").release
    advance = HashingMethod.advance
    steps = {"validation": 0, "final": 0}

    def interrupted_advance(trainer):
        # Only the final fit has all pairs.
        has_all_pairs = len(trainer._edges) == len(clustered_dataset.train)
        current = "final" if has_all_pairs else "validation"
        steps[current] += 1
        if current == phase and steps[current] == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(trainer)

    monkeypatch.setattr(HashingMethod, "advance", interrupted_advance)
    with pytest.raises(InterruptedTraining, match="SIGINT"):
        run(clustered_dataset, small_recipe, tmp_path)
    assert not ReleaseStore(tmp_path / "releases").list()
    resumed = run(clustered_dataset, small_recipe, tmp_path).release
    assert (resumed.item_codes == uninterrupted.item_codes).all()
    assert (resumed.user_embeddings == uninterrupted.user_embeddings).all()
    assert "resumed" in {record["event"] for record in log_of(tmp_path)}


def test_rejects_the_best_epoch_of_another_recipe(clustered_dataset, small_recipe, tmp_path):
    TrainingPipeline(
        clustered_dataset, small_recipe, TrainingOptions(tmp_path / "run", progress_bar=False)
    ).fit()
    other = override(small_recipe, "loss", psi=4.0)
    with pytest.raises(CheckpointError, match=r"validation\.json belongs to another"):
        run(clustered_dataset, other, tmp_path)
    assert run(clustered_dataset, other, tmp_path, fresh=True).epochs > 0


def test_fits_without_publishing_a_release(clustered_dataset, small_recipe, tmp_path):
    pipeline = TrainingPipeline(
        clustered_dataset, small_recipe, TrainingOptions(tmp_path / "run", progress_bar=False)
    )
    model = pipeline.fit()
    fit = model.fit
    assert model.embeddings.users.shape == (pipeline.train.n_users, 16)
    assert model.embeddings.items.shape == (pipeline.train.n_items, 16)
    assert model.epochs == fit.progress.best_epoch + len(fit.progress.history)
    again = pipeline.fit()
    assert torch.equal(again.embeddings.items, model.embeddings.items)
    assert len([record for record in log_of(tmp_path) if record["event"] == "resumed"]) == 1

    store = ReleaseStore(tmp_path / "releases")
    published = pipeline.publish(store)
    assert published.release.items.ids_of(np.arange(model.train.n_items)) == model.train.item_ids
    assert (published.release.item_codes == pack_signs(model.embeddings.items.numpy())).all()
    assert published.validation == fit.progress.best_metrics
    assert published.validation["recall@20"] > 0
    assert not list((tmp_path / "run").glob("*.npz"))


def test_evaluates_but_does_not_publish_real_valued_embeddings(
    clustered_dataset, small_recipe, tmp_path
):
    recipe = small_recipe.model_copy(update={"method": "lightgcn"})
    pipeline = TrainingPipeline(
        clustered_dataset, recipe, TrainingOptions(tmp_path / "run", progress_bar=False)
    )
    store = ReleaseStore(tmp_path / "releases")
    with pytest.raises(TrainingError, match=r"lightgcn.*inner product.*bitrecall reproduce"):
        pipeline.publish(store)
    assert not (tmp_path / "run" / "log.jsonl").exists()
    assert not store.list()

    model = pipeline.fit()
    metrics = score(model.embeddings, model.train, clustered_dataset.test, (20, 50))
    # 80 items, 20 of them in the user's group: random lists would have a recall of 1/4.
    assert metrics["recall@20"] > 0.6
    pipeline.forget()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["log.jsonl"]


def test_the_release_excludes_users_and_items_without_training_pairs(
    clustered, small_recipe, tmp_path
):
    train = clustered.select((clustered.users != 5) & (clustered.items != 8))
    test = clustered.select((clustered.users == 5) | (clustered.items == 8))
    dataset = Dataset(train, test, "clustered", ReadReport())
    release = run(dataset, small_recipe, tmp_path).release
    assert release.users.row_of("user-5") is None
    assert release.items.row_of("item-8") is None
    assert (release.n_users, release.n_items) == (119, 79)


def test_publishes_without_activating(clustered_dataset, small_recipe, tmp_path):
    run(clustered_dataset, small_recipe, tmp_path, activate=False)
    store = ReleaseStore(tmp_path / "releases")
    assert len(store.list()) == 1
    assert store.current_id() is None


def test_rejects_a_single_interaction(clustered, small_recipe, tmp_path):
    single = clustered.select(np.arange(len(clustered)) == 0)
    with pytest.raises(TrainingError, match=r"at least 2 interactions, .* has 1: .* --split none"):
        run(Dataset(single, None, "single", ReadReport()), small_recipe, tmp_path)


def test_trains_a_single_user_without_validation(clustered, small_recipe, tmp_path):
    alone = clustered.select(clustered.users == 0)
    dataset = Dataset(alone, None, "alone", ReadReport())
    recipe = override(small_recipe, "validation", share=0.0)
    assert run(dataset, recipe, tmp_path).release.n_users == 1


def test_the_run_folder_is_named_by_recipe_and_data(clustered_dataset, small_recipe):
    folder = default_run_folder(clustered_dataset, small_recipe)
    assert folder.name.startswith("small-")
    other = small_recipe.model_copy(update={"seed": 1})
    assert default_run_folder(clustered_dataset, other) != folder


def test_trains_nothing_if_the_store_is_not_writable(clustered_dataset, small_recipe, tmp_path):
    (tmp_path / "releases").touch()
    with pytest.raises(ReleaseError, match="releases: cannot be created: File exists"):
        run(clustered_dataset, small_recipe, tmp_path)
    assert not (tmp_path / "run" / "log.jsonl").exists()


def learned(small_recipe):
    recipe = small_recipe.model_copy(update={"method": "bitrecall"})
    return override(recipe, "teacher", length=20)


def test_validation_fits_the_ranker_of_the_final_teacher(clustered_dataset, small_recipe, tmp_path):
    options = TrainingOptions(tmp_path / "run", progress_bar=False)
    pipeline = TrainingPipeline(clustered_dataset, learned(small_recipe), options)
    model = pipeline.fit()
    validated = BestEpoch(tmp_path / "run" / "validation.json", pipeline._best_epoch.fingerprint)
    models = validated.read().ranker_models
    assert len(models) == 2
    # Few users without order: models of more draws are added.
    assert model.fit.progress.ranker_models[:2] == models
    assert len(model.fit.progress.ranker_models) == 6


def test_codes_of_a_learned_teacher_have_high_recall(clustered_dataset, small_recipe, tmp_path):
    release = run(clustered_dataset, learned(small_recipe), tmp_path).release
    assert release.manifest.metrics["recall@20"] > 0.6


def test_describes_the_validation_split(clustered_dataset, small_recipe, tmp_path):
    def described(order=None, times=None, **values) -> str | None:
        options = TrainingOptions(tmp_path / "run", progress_bar=False)
        recipe = override(small_recipe, "validation", **values)
        train = replace(clustered_dataset.train, times=times, order=order)
        dataset = replace(clustered_dataset, train=train)
        return TrainingPipeline(dataset, recipe, options).validation_split()

    in_order = np.arange(len(clustered_dataset.train), dtype=np.float64)
    assert described(share=0.0) is None
    assert described() == "a random 15% of each user's interactions"
    latest = "the latest 15% of each user's interactions, by"
    assert described(in_order) == f"{latest} the order of lines"
    assert described(times=in_order) == f"{latest} timestamp"
    assert described(cut="latest") == f"{latest} their order in the file"
    reason = "because most users' interactions have equal times"
    assert described(times=np.zeros_like(in_order)) == (
        f"a random 15% of each user's interactions, {reason}"
    )
    assert described(times=in_order, cut="random") == "a random 15% of each user's interactions"


def test_minutes_decide_about_the_epochs(clustered_dataset, small_recipe, tmp_path):
    short = small_recipe.model_copy(update={"minutes": 1e-6})
    run(clustered_dataset, short, tmp_path)
    records = log_of(tmp_path)
    schedules = [record for record in records if record["event"] == "schedule"]
    assert (schedules[0]["phase"], schedules[0]["epochs"]) == ("validation", 1)
    # The schedule is chosen after 5 steps, in the second of 4 epochs.
    validated = [r for r in records if r["event"] == "epoch" and r["phase"] == "validation"]
    assert len(validated) == 2
