"""The methods that can be trained, by the name that a recipe gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, get_args

from training.methods.base import MethodName

if TYPE_CHECKING:
    from training.graph import EdgeList
    from training.methods.base import Method
    from training.recipe import Recipe

METHODS: tuple[str, ...] = get_args(MethodName)


def build(edges: EdgeList, recipe: Recipe, *, start: bool = True) -> Method:
    """Set up a training of ``recipe.method``.

    Args:
        edges: the training pairs; their device is where the training runs.
        recipe: every hyper-parameter.
        start: whether to compute the initial embeddings; False where a state will be loaded.
    """
    return _class(recipe.method)(edges, recipe, start=start)


class _Class(Protocol):
    def __call__(self, edges: EdgeList, recipe: Recipe, *, start: bool) -> Method: ...


def _class(name: MethodName) -> _Class:
    # Imported one by one: recipes name sections that live in this package, and need no torch.
    match name:
        case "bitrecall" | "proposed":
            from training.trainer import Trainer

            return Trainer
        case "bgch":
            from training.methods.bgch import BGCH

            return BGCH
        case "hashgnn":
            from training.methods.hashgnn import HashGNN

            return HashGNN
        case "hashrec":
            from training.methods.hashrec import HashRec

            return HashRec
        case "lightgcn":
            from training.methods.lightgcn import FullPrecisionLightGCN

            return FullPrecisionLightGCN
