"""The training methods, by the name in a recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from bitrecall.training.errors import TrainingError
from bitrecall.training.recipe.method_names import MethodName

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bitrecall.training.model.graph import EdgeList
    from bitrecall.training.model.method import EmbeddingTables, Method
    from bitrecall.training.recipe.recipe import Recipe
    from bitrecall.training.runtime.process_group import ProcessGroup

METHODS: tuple[str, ...] = get_args(MethodName)


def build(
    edges: EdgeList,
    recipe: Recipe,
    *,
    start: bool = True,
    progress: bool | None = False,
    warm: Mapping[str, EmbeddingTables] | None = None,
    held_out: EdgeList | None = None,
    ranker_models: Sequence[str] = (),
    teacher_seconds: float | None = None,
    group: ProcessGroup | None = None,
) -> Method:
    """Create the method ``recipe.method``.

    Args:
        edges: the training pairs; their device is where the training runs.
        recipe: every hyper-parameter.
        start: whether to compute the initial embeddings; False if a state will be loaded.
        progress: show a bar for a long initialisation; None shows it only if stderr is a terminal.
        warm: embeddings of an earlier training, in the rows of ``edges``; methods without a warm
            start ignore it.
        held_out: pairs to fit a learned teacher's ranker on, in the rows of ``edges``; other
            methods and teachers ignore it.
        ranker_models: the ranker of an earlier learned teacher; empty fits one.
        teacher_seconds: about how long the scorers of a learned teacher may take; None takes all.
        group: the processes that train together; None is a single process.

    Raises:
        TrainingError: there are several processes, but the method supports only one.
    """
    if group is not None and group.size > 1 and recipe.method not in ("bitrecall", "proposed"):
        raise TrainingError(f"method {recipe.method} trains in one process, not in {group.size}")
    # Imported lazily: recipes use this package without importing torch.
    match recipe.method:
        case "bitrecall" | "proposed":
            from bitrecall.training.hashing.hashing_method import HashingMethod

            options = {} if group is None else {"group": group}
            return HashingMethod(
                edges,
                recipe,
                start=start,
                progress=progress,
                warm=warm,
                held_out=held_out,
                ranker_models=ranker_models,
                teacher_seconds=teacher_seconds,
                **options,
            )
        case "bgch":
            from bitrecall.training.baselines.bgch import BGCH

            return BGCH(edges, recipe, start=start)
        case "hashgnn":
            from bitrecall.training.baselines.hashgnn import HashGNN

            return HashGNN(edges, recipe, start=start)
        case "hashrec":
            from bitrecall.training.baselines.hashrec import HashRec

            return HashRec(edges, recipe, start=start)
        case "lightgcn":
            from bitrecall.training.baselines.lightgcn import FullPrecisionLightGCN

            return FullPrecisionLightGCN(edges, recipe, start=start)
