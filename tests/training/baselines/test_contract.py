"""The contract of the fit loop, tested with every method."""

import numpy as np
import pytest
import torch

from bitrecall.training.data.split import cut_validation
from bitrecall.training.errors import DivergedError
from bitrecall.training.export import release_contents
from bitrecall.training.fitting.checkpoint import Checkpoint
from bitrecall.training.fitting.fit_loop import FitLoop
from bitrecall.training.fitting.method_registry import METHODS, build
from bitrecall.training.fitting.validator import Validator
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import parse_recipe

pytestmark = pytest.mark.slow

VARIANTS = {
    **{name: {"method": name} for name in METHODS},
    # The learned teacher takes most of the time, and has its own tests.
    "bitrecall": {"method": "bitrecall", "teacher": {"kind": "filter"}},
    "bgch-without-dispersion": {"method": "bgch", "bgch": {"dispersion": 0.0}},
    "bgch-weighted": {"method": "bgch", "bgch": {"form": "weighted"}},
}


@pytest.fixture(params=VARIANTS)
def recipe(request) -> Recipe:
    """A recipe with at least three steps per epoch on the clustered pairs, 16 bits or 8 floats."""
    values = {
        "name": request.param,
        "bits": 16,
        "loss": {"cutoffs": [5, 20]},
        "fit": {"epochs": 4, "batch_users": 32, "learning_rate": 0.05},
        "pairwise": {"batch_pairs": 400},
        "hashgnn": {"dimensions": 8},
        "lightgcn": {"dimensions": 8},
        "validation": {"metric": "recall@20"},
    }
    return parse_recipe(values | VARIANTS[request.param], request.param)


@pytest.fixture
def make(clustered, recipe):
    edges = EdgeList(clustered.users, clustered.items, clustered.n_users, clustered.n_items)

    def make(**choices):
        return build(edges, recipe.model_copy(update=choices.pop("changed", {})), **choices)

    return make


def advance(method, steps: int) -> list[float]:
    return [method.advance() for _ in range(steps)]


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(
        torch.allclose(first[name], second[name], rtol=0, atol=0, equal_nan=True) for name in first
    )


def copied(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in tensors.items()}


def test_steps_add_up_to_epochs(make):
    method = make()
    assert (method.epoch, method.step) == (0, 0)
    assert method.steps >= 3
    losses = advance(method, method.steps - 1)
    assert (method.epoch, method.step) == (0, method.steps - 1)
    assert np.isfinite([*losses, method.advance()]).all()
    assert (method.epoch, method.step) == (1, 0)


def test_embeddings_are_of_all_users_and_items(make, clustered, recipe):
    method = make()
    advance(method, 2)
    found = method.embeddings()
    assert found.similarity == recipe.similarity
    width = found.users.shape[1]
    assert found.users.shape == (clustered.n_users, width)
    assert found.items.shape == (clustered.n_items, width)
    if found.similarity == "hamming":
        assert width == recipe.bits
    for values in (found.users, found.items, *found.item_layers):
        assert values.dtype == torch.float32
        assert torch.isfinite(values).all()
        assert not values.requires_grad
    assert {len(layer) for layer in found.item_layers} == {clustered.n_items}


def test_reading_the_embeddings_changes_nothing(make):
    watched, alone = make(), make()
    for _ in range(3):
        first, second = watched.embeddings(), watched.embeddings()
        assert torch.equal(first.users, second.users)
        assert torch.equal(first.items, second.items)
        assert watched.advance() == alone.advance()
    assert equal(watched.state(), alone.state())


@pytest.mark.parametrize("taken", [0, 2, "an epoch", "more than an epoch"])
def test_resuming_a_checkpoint_gives_the_same_result(make, tmp_path, taken):
    whole, part = make(), make()
    steps = {"an epoch": whole.steps, "more than an epoch": whole.steps + 1}.get(taken, taken)
    advance(whole, steps)
    advance(part, steps)
    Checkpoint("same", part.epoch, part.step, state=part.state()).save(tmp_path / "part.npz")
    kept = Checkpoint.load(tmp_path / "part.npz", "same")
    assert {tensor.dtype for tensor in kept.state.values()} <= {
        torch.float32,
        torch.int32,
        torch.int64,
    }
    resumed = make(start=False)
    resumed.load(kept.state, epoch=kept.epoch, step=kept.step)
    assert torch.equal(part.embeddings().users, resumed.embeddings().users)
    assert advance(whole, whole.steps + 1) == advance(resumed, whole.steps + 1)
    assert equal(whole.state(), resumed.state())
    assert torch.equal(whole.embeddings().users, resumed.embeddings().users)
    assert torch.equal(whole.embeddings().items, resumed.embeddings().items)


def test_restores_saved_parameters(make):
    method = make()
    advance(method, 2)
    kept, then = method.parameters(), method.embeddings()
    before = copied(kept)
    advance(method, method.steps)
    assert equal(kept, before)
    later = method.embeddings()
    assert not torch.equal(later.items, then.items)
    for taker in (method, make(start=False)):
        taker.restore(kept)
        back = taker.embeddings()
        assert torch.equal(back.users, then.users)
        assert torch.equal(back.items, then.items)
        for layer, expected in zip(back.item_layers, then.item_layers, strict=True):
            assert torch.equal(layer, expected)


def test_the_result_depends_on_the_seed(make):
    same, again, other = make(), make(), make(changed={"seed": 1})
    assert advance(same, 3) == advance(again, 3)
    assert equal(same.state(), again.state())
    assert advance(other, 3) != advance(make(), 3)


def test_raises_on_nan_and_changes_nothing(make):
    method = make()
    advance(method, 1)
    poisoned = {
        name: torch.full_like(tensor, torch.nan) if tensor.is_floating_point() else tensor
        for name, tensor in copied(method.state()).items()
    }
    method.load(poisoned, epoch=0, step=1)
    before = copied(method.state())
    with pytest.raises(DivergedError, match="epoch 1, step 2"):
        method.advance()
    assert equal(method.state(), before)
    assert (method.epoch, method.step) == (0, 1)


def test_the_fit_loop_trains_validates_and_returns_the_published_result(clustered, recipe):
    part, held_out = cut_validation(clustered, 0.2, seed=0)
    validator = Validator(part, held_out, recipe)
    fitted = FitLoop(part, recipe, epochs=recipe.fit.epochs, validate=validator).run()
    # 80 items, 20 of them in the user's group: random lists have a recall of 1/4.
    assert fitted.progress.best_metrics["recall@20"] > 0.4
    if recipe.similarity == "hamming":
        contents = release_contents(fitted.embeddings, clustered, recipe)
        assert contents.item_codes.shape == (clustered.n_items, recipe.bits // 8)
