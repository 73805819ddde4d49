import os
import signal

import numpy as np
import pytest
import torch

from bitrecall.index.search.packing import pack_signs
from bitrecall.training.data.item_order import popularity_order, reorder_items
from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import InterruptedTraining
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import fit_interactions
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.hashing.hashing_method import HashingMethod
from bitrecall.training.runtime.training_log import TrainingLog


def test_items_are_trained_and_returned_in_descending_popularity(clustered, small_recipe):
    model = fit_interactions(clustered, small_recipe, FitOptions(), epochs=1)
    degrees = model.train.item_degrees
    assert (degrees[:-1] >= degrees[1:]).all()
    assert model.train.item_ids == [clustered.item_ids[row] for row in model.item_order]
    plain = FitLoop(reorder_items(clustered, model.item_order), small_recipe, epochs=1).run()
    assert torch.equal(model.embeddings.items, plain.embeddings.items)


def test_uses_the_epochs_of_the_recipe_by_default(clustered, small_recipe):
    fit = small_recipe.fit.model_copy(update={"epochs": 5, "stop_after": 2})
    recipe = small_recipe.model_copy(update={"fit": fit})
    assert fit_interactions(clustered, recipe, FitOptions()).fit.epochs == 2


def test_the_validator_scores_the_rows_of_the_model(clustered, small_recipe):
    part, held_out = cut_validation(clustered, 0.2, 0)
    model = fit_interactions(part, small_recipe, FitOptions(), epochs=2, held_out=held_out)
    order = popularity_order(part)
    validator = Validator(reorder_items(part, order), reorder_items(held_out, order), small_recipe)
    assert model.validator is not None
    assert model.fit.progress.best_metrics == validator(model.embeddings)
    assert model.fit.progress.best_metrics == model.validator(model.embeddings)


def test_reorders_a_model_of_a_part_by_the_popularity_of_all_pairs(clustered, small_recipe):
    part, _ = cut_validation(clustered, 0.5, 0)
    model = fit_interactions(part, small_recipe, FitOptions(), epochs=1)
    moved = model.for_pairs(clustered)
    assert moved.train.item_ids == [clustered.item_ids[row] for row in popularity_order(clustered)]
    assert len(moved.train) == len(clustered)
    before = dict(zip(model.train.item_ids, pack_signs(model.embeddings.items), strict=True))
    after = dict(zip(moved.train.item_ids, pack_signs(moved.embeddings.items), strict=True))
    assert all(np.array_equal(before[item], after[item]) for item in before)


def test_a_signal_stops_the_training_and_the_same_call_resumes(
    clustered, small_recipe, tmp_path, monkeypatch
):
    whole = fit_interactions(clustered, small_recipe, FitOptions(), epochs=2)
    log = tmp_path / "log.jsonl"
    options = FitOptions(checkpoint=tmp_path / "fit.npz", log=TrainingLog(log))
    advance = HashingMethod.advance

    def signalled(self):
        os.kill(os.getpid(), signal.SIGTERM)
        return advance(self)

    with monkeypatch.context() as patched:
        patched.setattr(HashingMethod, "advance", signalled)
        with pytest.raises(InterruptedTraining, match="SIGTERM"):
            fit_interactions(clustered, small_recipe, options, epochs=2)
    resumed = fit_interactions(clustered, small_recipe, options, epochs=2)
    assert '"resumed"' in log.read_text()
    assert torch.equal(resumed.embeddings.items, whole.embeddings.items)
