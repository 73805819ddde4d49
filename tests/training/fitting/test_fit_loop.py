import json

import pytest
import torch

from bitrecall.training.errors import CheckpointError, InterruptedTraining, TrainingError
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.hashing import hashing_method as trainer
from bitrecall.training.hashing.hashing_method import HashingMethod
from bitrecall.training.runtime.interrupt import StopRequest
from bitrecall.training.runtime.training_log import TrainingLog

pytestmark = pytest.mark.slow


class StopAfter(StopRequest):
    """A signal that comes after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._left = steps

    def __bool__(self) -> bool:
        self._left -= 1
        if self._left < 0:
            self.signal = "SIGINT"
        return super().__bool__()


@pytest.mark.parametrize("steps", [0, 2, 3, 5, 11])
def test_an_interrupted_fit_resumes_to_the_same_result(clustered, small_recipe, tmp_path, steps):
    def fit(checkpoint):
        return FitLoop(
            clustered,
            small_recipe,
            epochs=4,
            validate=lambda embeddings: {"recall@20": float(embeddings.users.abs().sum())},
            options=FitOptions(checkpoint=checkpoint),
        )

    whole = fit(None).run()
    path = tmp_path / "fit.npz"
    with pytest.raises(InterruptedTraining, match="resumes from"):
        fit(path).run(StopAfter(steps))
    resumed = fit(path)
    assert resumed.resumed
    finished = resumed.run()
    assert torch.equal(whole.embeddings.users, finished.embeddings.users)
    assert torch.equal(whole.embeddings.items, finished.embeddings.items)
    assert finished.progress.best_epoch == whole.progress.best_epoch
    epochs = [record["epoch"] for record in finished.progress.history]
    assert epochs == [record["epoch"] for record in whole.progress.history]


def test_rejects_a_checkpoint_of_other_pairs_or_another_recipe(clustered, small_recipe, tmp_path):
    options = FitOptions(checkpoint=tmp_path / "fit.npz")
    FitLoop(clustered, small_recipe, epochs=1, options=options).run()
    fewer = clustered.select(clustered.users != 3)
    with pytest.raises(CheckpointError, match="another"):
        FitLoop(fewer, small_recipe, epochs=1, options=options)
    other = small_recipe.model_copy(update={"seed": 9})
    with pytest.raises(CheckpointError, match="another"):
        FitLoop(clustered, other, epochs=1, options=options)


def test_early_stopping_keeps_the_best_epoch(clustered, small_recipe, tmp_path):
    seen = []

    def validate(embeddings):
        seen.append(embeddings)
        return {"recall@20": [0.1, 0.3, 0.2, 0.25][len(seen) - 1]}

    log = tmp_path / "log.jsonl"
    options = FitOptions(log=TrainingLog(log))
    fitted = FitLoop(clustered, small_recipe, epochs=9, validate=validate, options=options).run()
    assert len(seen) == 4  # the best was the second, and patience is 2
    assert fitted.progress.best_epoch == 2
    assert torch.equal(fitted.embeddings.users, seen[1].users)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [record["metrics"]["recall@20"] for record in records] == [0.1, 0.3, 0.2, 0.25]


def test_validates_every_nth_epoch_and_the_last(clustered, small_recipe):
    seen = []

    def validate(embeddings):
        seen.append(embeddings)
        return {"recall@20": [0.1, 0.3, 0.2][len(seen) - 1]}

    fit = FitLoop(clustered, small_recipe, epochs=5, validate=validate, validate_every=2)
    fitted = fit.run()
    history = fitted.progress.history
    assert [record["epoch"] for record in history if record["metrics"]] == [2, 4, 5]
    assert fitted.progress.best_epoch == 4
    assert torch.equal(fitted.embeddings.users, seen[1].users)


def test_without_validation_the_last_epoch_is_the_result(clustered, small_recipe):
    fitted = FitLoop(clustered, small_recipe, epochs=2).run()
    assert fitted.progress.best_epoch == 0
    assert [record["epoch"] for record in fitted.progress.history] == [1, 2]


def test_items_move_to_other_rows(clustered, small_recipe):
    import numpy as np

    fitted = FitLoop(clustered, small_recipe, epochs=1).run()
    order = np.random.default_rng(0).permutation(clustered.n_items)
    moved = fitted.with_items(order)
    assert torch.equal(moved.embeddings.items, fitted.embeddings.items[torch.from_numpy(order)])
    layers = zip(moved.embeddings.item_layers, fitted.embeddings.item_layers, strict=True)
    for there, here in layers:
        assert torch.equal(there, here[torch.from_numpy(order)])


def test_rejects_an_empty_training_set(clustered, small_recipe):
    nothing = clustered.select(clustered.users < 0)
    with pytest.raises(TrainingError, match="no interactions"):
        FitLoop(nothing, small_recipe, epochs=1)


def test_saves_the_initialisation_before_the_first_step(
    clustered, small_recipe, tmp_path, monkeypatch
):
    def crash(*_: object, **__: object) -> float:
        raise MemoryError("as if the machine had none left")

    recipe = small_recipe.model_copy(update={"method": "bitrecall"})
    options = FitOptions(checkpoint=tmp_path / "fit.npz")
    whole = FitLoop(clustered, recipe, epochs=2).run()
    first = FitLoop(clustered, recipe, epochs=2, options=options)
    with monkeypatch.context() as patched:
        patched.setattr(HashingMethod, "advance", crash)
        with pytest.raises(MemoryError):
            first.run()
    with monkeypatch.context() as patched:
        patched.setattr(trainer, "teacher_lists", crash)
        resumed = FitLoop(clustered, recipe, epochs=2, options=options)
    assert resumed.resumed
    assert torch.equal(resumed.run().embeddings.items, whole.embeddings.items)


@pytest.mark.parametrize(("seconds", "epochs"), [(1e6, 8), (1e-9, 1)])
def test_time_decides_about_the_epochs_of_the_schedule(
    clustered, small_recipe, tmp_path, seconds, epochs
):
    options = FitOptions(checkpoint=tmp_path / "fit.npz", seconds=seconds)
    with pytest.raises(InterruptedTraining):
        FitLoop(clustered, small_recipe, epochs=4, options=options).run(StopAfter(5))
    resumed = FitLoop(clustered, small_recipe, epochs=4, options=options)
    assert resumed.resumed
    progress = resumed.run().progress
    assert len(progress.history) == progress.epochs == epochs
