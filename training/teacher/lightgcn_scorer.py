"""A trained teacher: full-precision LightGCN with the BPR loss.

A linear filter and a model trained on the same pairs make different errors. On Gowalla LightGCN
ranks worse than the filter, but their sum ranks better than either; on Yelp2018 it adds nothing
(docs/tuning.md). The length of the codes does not change.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
SIGIR 2020; ``bitrecall.training.baselines.lightgcn`` lists the differences from its public code.
"""

from __future__ import annotations

from time import monotonic

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.baselines.lightgcn import FullPrecisionLightGCN
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.recipe.recipe import Recipe
from bitrecall.training.recipe.recipe_file import parse_recipe
from bitrecall.training.recipe.teacher_section import TeacherLightGCNRecipe
from bitrecall.training.runtime.epoch_budget import EpochBudget
from bitrecall.training.runtime.progress_bar import progress_bar


class LightGCNScorer:
    """Scores of a LightGCN that the constructor trains.

    Args:
        matrix: float32 CSR (n_users, n_items), R.
        recipe: size and schedule.
        seed: seed of its batches.
        device: device of training and scoring.
        progress: whether to show a progress bar on stderr; None shows it only if stderr is a
            terminal.
        start: free embeddings to start from, instead of an SVD.
        seconds: about how long to train, for fewer epochs than the recipe's; None trains them all.

    Attributes:
        users: float32 (n_users, d), after propagation.
        items: float32 (n_items, d), after propagation.
        epochs: number of epochs that it was trained for.

    Raises:
        DivergedError: the loss is not finite.
        TrainingError: every user has every item.
    """

    def __init__(
        self,
        matrix: sp.csr_matrix,
        recipe: TeacherLightGCNRecipe,
        *,
        seed: int,
        device: torch.device | str = "cpu",
        progress: bool | None = False,
        start: EmbeddingTables | None = None,
        seconds: float | None = None,
    ) -> None:
        pairs = matrix.tocoo()
        edges = EdgeList(
            pairs.row.astype(np.int64),
            pairs.col.astype(np.int64),
            *matrix.shape,
            device,
            weights=None if (pairs.data == 1).all() else pairs.data,
        )
        method = FullPrecisionLightGCN(edges, _complete_recipe(recipe, seed), start=start is None)
        if start is not None:
            method.restore(start._asdict())
        epochs = recipe.epochs
        budget = None if seconds is None else EpochBudget(seconds, epochs, method.steps)
        with progress_bar(
            total=epochs * method.steps,
            desc="teacher, trained",
            unit=" steps",
            progress=progress,
        ) as bar:
            while method.epoch < epochs:
                started = monotonic()
                loss = method.advance()
                bar.update()
                allowed = None if budget is None else budget.record(monotonic() - started)
                if allowed is not None and allowed < epochs:
                    epochs = allowed
                    method.set_epochs(epochs)
                    bar.total = epochs * method.steps
                bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
        self.epochs = method.epoch
        embeddings = method.embeddings()
        self.users, self.items = embeddings.users, embeddings.items
        self._free = EmbeddingTables(**method.parameters())

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """Return inner products with all items, float32 (b, n_items), for int64 (b,) user rows."""
        rows = torch.from_numpy(users).to(self.users.device)
        return self.users[rows] @ self.items.T

    def embedding_tables(self) -> EmbeddingTables:
        """Return the free embeddings at the end of training."""
        return self._free


def _complete_recipe(recipe: TeacherLightGCNRecipe, seed: int) -> Recipe:
    values = {
        "name": "teacher",
        "method": "lightgcn",
        "seed": seed,
        "encoder": {"name": "lightgcn", "layers": recipe.layers, "start": "svd"},
        "fit": {
            "epochs": recipe.epochs,
            "learning_rate": recipe.learning_rate,
            "epsilon": 1e-12,
        },
        "pairwise": {"batch_pairs": recipe.batch_pairs, "regularisation": recipe.regularisation},
        "lightgcn": {"dimensions": recipe.dimensions},
    }
    return parse_recipe(values, "the teacher's LightGCN")
