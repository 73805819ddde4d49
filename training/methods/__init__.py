"""The methods that can be trained, by the name that a recipe gives."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.graph import EdgeList
    from training.methods.base import Method
    from training.recipe import Recipe

# Named and not imported: recipes name their sections, which live beside the methods, without torch.
_CLASSES = {
    "bitrecall": ("training.trainer", "Trainer"),
    "proposed": ("training.trainer", "Trainer"),
    "bgch": ("training.methods.bgch", "BGCH"),
    "hashgnn": ("training.methods.hashgnn", "HashGNN"),
    "hashrec": ("training.methods.hashrec", "HashRec"),
    "lightgcn": ("training.methods.lightgcn", "FullPrecisionLightGCN"),
}

METHODS = tuple(_CLASSES)


def build(edges: EdgeList, recipe: Recipe, *, start: bool = True) -> Method:
    """Set up a training of ``recipe.method``.

    Args:
        edges: the training pairs; their device is where the training runs.
        recipe: every hyper-parameter.
        start: whether to compute the initial embeddings; False where a state will be loaded.
    """
    module, name = _CLASSES[recipe.method]
    method: Callable[..., Method] = getattr(import_module(module), name)
    return method(edges, recipe, start=start)
