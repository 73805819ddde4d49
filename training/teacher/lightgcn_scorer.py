"""A second opinion for the teacher: LightGCN in floats, trained on the pairs by BPR.

What a linear filter overlooks, a model trained on the same pairs may see, and the other way round.
On Gowalla it ranks worse than the filter, and the sum of both ranks better than either; on Yelp2018
it adds nothing (docs/tuning.md). Codes that learn from the sum are as short as before.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
SIGIR 2020; ``bitrecall.training.baselines.lightgcn`` says what differs from its public code.
"""

from __future__ import annotations

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
from bitrecall.training.runtime.progress_bar import progress_bar


class LightGCNScorer:
    """Scores by a LightGCN that is trained when this is made.

    Args:
        matrix: float32 CSR (n_users, n_items), R.
        recipe: size and schedule.
        seed: of its batches.
        device: where it is trained and scores.
        progress: show a bar on stderr; None shows it only where stderr is a terminal.
        start: free embeddings to start from, in place of an SVD.

    Raises:
        DivergedError: its loss is no longer a number.
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
    ) -> None:
        pairs = matrix.tocoo()
        edges = EdgeList(
            pairs.row.astype(np.int64),
            pairs.col.astype(np.int64),
            *matrix.shape,
            device,
            weights=None if (pairs.data == 1).all() else pairs.data,
        )
        method = FullPrecisionLightGCN(edges, _whole(recipe, seed), start=start is None)
        if start is not None:
            method.restore(start._asdict())
        with progress_bar(
            total=recipe.epochs * method.steps,
            desc="teacher, trained",
            unit=" steps",
            progress=progress,
        ) as bar:
            while method.epoch < recipe.epochs:
                loss = method.advance()
                bar.update()
                bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)
        found = method.embeddings()
        self._users, self._items = found.users, found.items
        self._free = EmbeddingTables(**method.parameters())

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """Inner products with all items: float32 (b, n_items), for int64 (b,) user rows."""
        rows = torch.from_numpy(users).to(self._users.device)
        return self._users[rows] @ self._items.T

    def free(self) -> EmbeddingTables:
        """The free embeddings at the end of its training."""
        return self._free


def _whole(recipe: TeacherLightGCNRecipe, seed: int) -> Recipe:
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
