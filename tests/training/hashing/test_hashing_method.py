import sys

import numpy as np
import pytest
import torch

from bitrecall.training.errors import DivergedError, TrainingError
from bitrecall.training.hashing.hashing_method import HashingMethod
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import load_recipe


def trainer(clustered, recipe: Recipe, **choices) -> HashingMethod:
    edges = EdgeList(clustered.users, clustered.items, clustered.n_users, clustered.n_items)
    return HashingMethod(edges, recipe, **choices)


def test_the_loss_falls(clustered, small_recipe):
    made = trainer(clustered, small_recipe)
    first = np.mean([made.advance() for _ in range(made.steps)])
    while made.epoch < 3:
        made.advance()
    last = np.mean([made.advance() for _ in range(made.steps)])
    assert last < first - 0.02


def test_the_result_depends_only_on_the_seed(clustered, small_recipe):
    runs = []
    for seed in (0, 0, 1):
        made = trainer(clustered, small_recipe.model_copy(update={"seed": seed}))
        for _ in range(made.steps + 1):
            made.advance()
        runs.append(made.embeddings())
    assert torch.equal(runs[0].users, runs[1].users)
    assert torch.equal(runs[0].items, runs[1].items)
    assert not torch.equal(runs[0].users, runs[2].users)


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_resuming_from_a_state_gives_the_same_result(clustered, small_recipe, steps):
    whole, part = (trainer(clustered, small_recipe) for _ in range(2))
    for _ in range(steps):
        whole.advance()
        part.advance()
    resumed = trainer(clustered, small_recipe, start=False)
    state = {name: value.clone() for name, value in part.state().items()}
    resumed.load(state, epoch=part.epoch, step=part.step)
    for _ in range(4):
        assert whole.advance() == resumed.advance()
    assert torch.equal(whole.embeddings().items, resumed.embeddings().items)


def test_weight_decay_shrinks_embeddings(clustered, small_recipe):
    def magnitude(decay: float) -> float:
        fit = small_recipe.fit.model_copy(update={"weight_decay": decay})
        made = trainer(clustered, small_recipe.model_copy(update={"fit": fit}))
        made.advance()
        return made.model.items.abs().sum().item()

    # With a learning rate of 0.1, a step shrinks by 0.1 times the decay, besides Adam's update.
    assert magnitude(2.0) / magnitude(0.0) == pytest.approx(0.8, abs=0.05)


def test_raises_on_nan_and_changes_nothing(clustered, small_recipe):
    made = trainer(clustered, small_recipe)
    made.advance()
    with torch.no_grad():
        made.model.users[3, 2] = float("nan")
    before = made.model.items.detach().clone()
    with pytest.raises(DivergedError, match=r"epoch 1, step 2.*learning_rate"):
        made.advance()
    assert torch.equal(before, made.model.items.detach())


def test_trains_with_the_sampled_loss(clustered, small_recipe):
    loss = small_recipe.loss.model_copy(update={"sample": 30})
    made = trainer(clustered, small_recipe.model_copy(update={"loss": loss}))
    first = np.mean([made.advance() for _ in range(made.steps)])
    while made.epoch < 3:
        made.advance()
    assert np.mean([made.advance() for _ in range(made.steps)]) < first - 0.02


def test_embeddings_are_the_mean_of_the_layers(clustered, small_recipe):
    found = trainer(clustered, small_recipe).embeddings()
    assert len(found.item_layers) == small_recipe.encoder.layers + 1
    mean = torch.stack(found.item_layers).mean(0)
    np.testing.assert_allclose(found.items, mean, atol=1e-6)
    assert not found.item_layers[0].requires_grad


class BrokenLibrary:
    """Finds LightGBM, which then does not find OpenMP."""

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name == "lightgbm":
            raise OSError("libgomp.so.1: cannot open shared object file")


def test_names_the_package_to_install_without_openmp(clustered, monkeypatch) -> None:
    for name in [*sys.modules]:
        if name.startswith(("lightgbm", "bitrecall.training.teacher.learned")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [BrokenLibrary(), *sys.meta_path])
    with pytest.raises(TrainingError, match="apt-get install libgomp1"):
        HashingMethod(EdgeList.of(clustered), load_recipe("default", ["bits=16"]))
