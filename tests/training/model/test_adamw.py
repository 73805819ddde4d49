import sys

import pytest
import torch

from bitrecall.training.data.interactions import Interactions
from bitrecall.training.fitting.fit_options import FitOptions
from bitrecall.training.fitting.runner import fit_interactions
from bitrecall.training.model.adamw import AdamW
from bitrecall.training.recipe.recipe import Recipe


def test_sets_the_parameters_of_torchs_optimiser() -> None:
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(shape, generator=generator) for shape in ((40, 16), (16,), (3,))]
    parameters = [[torch.nn.Parameter(tensor.clone()) for tensor in start] for _ in range(2)]
    ours = AdamW(parameters[0], weight_decay=0.1, epsilon=1e-8)
    torchs = torch.optim.AdamW(parameters[1], weight_decay=0.1, eps=1e-8, fused=True)
    for learning_rate in (0.1, 0.05, 0.01):
        torchs.param_groups[0]["lr"] = learning_rate
        ours.zero_grad()
        torchs.zero_grad()
        # The last parameter has no gradient.
        for first, second in zip(*(both[:2] for both in parameters), strict=True):
            first.grad = torch.randn(first.shape, generator=generator)
            second.grad = first.grad.clone()
        ours.step(learning_rate)
        torchs.step()
    for first, second in zip(*parameters, strict=True):
        assert torch.equal(first, second)
    assert parameters[0][2] not in ours.state
    for first, second in zip(parameters[0][:2], parameters[1][:2], strict=True):
        assert ours.state[first].keys() == torchs.state[second].keys()
        for name, value in ours.state[first].items():
            assert torch.equal(value, torchs.state[second][name])
    assert torch.equal(parameters[0][2], start[2])


def test_training_does_not_import_the_compiler(
    monkeypatch: pytest.MonkeyPatch, clustered: Interactions, small_recipe: Recipe
) -> None:
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    fit_interactions(clustered, small_recipe, FitOptions())
