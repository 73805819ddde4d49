"""The methods that can be trained, by the name that a recipe gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from training.methods.base import MethodName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training.graph import EdgeList
    from training.methods.base import Free, Method
    from training.recipe import Recipe

METHODS: tuple[str, ...] = get_args(MethodName)


def build(
    edges: EdgeList,
    recipe: Recipe,
    *,
    start: bool = True,
    progress: bool | None = False,
    warm: Mapping[str, Free] | None = None,
) -> Method:
    """Set up a training of ``recipe.method``.

    Args:
        edges: the training pairs; their device is where the training runs.
        recipe: every hyper-parameter.
        start: whether to compute the initial embeddings; False where a state will be loaded.
        progress: show a bar of what comes before the first step, where that takes long; None
            shows it only where stderr is a terminal.
        warm: what an earlier training left, in the rows of ``edges``; methods that have nothing to
            leave take no notice of it.
    """
    # Imported one by one: recipes name sections that live in this package, and need no torch.
    match recipe.method:
        case "bitrecall" | "proposed":
            from training.trainer import Trainer

            return Trainer(edges, recipe, start=start, progress=progress, warm=warm)
        case "bgch":
            from training.methods.bgch import BGCH

            return BGCH(edges, recipe, start=start)
        case "hashgnn":
            from training.methods.hashgnn import HashGNN

            return HashGNN(edges, recipe, start=start)
        case "hashrec":
            from training.methods.hashrec import HashRec

            return HashRec(edges, recipe, start=start)
        case "lightgcn":
            from training.methods.lightgcn import FullPrecisionLightGCN

            return FullPrecisionLightGCN(edges, recipe, start=start)
