"""Combine the scores of two teachers."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.teacher.scorer import Scorer


class BlendedScorer:
    """Weighted sum of two teachers' scores, each divided by its root mean square per user.

    Args:
        first: teacher with weight 1.
        second: teacher with weight ``weight``.
        weight: weight of the second teacher, ≥ 0.
    """

    def __init__(self, first: Scorer, second: Scorer, weight: float) -> None:
        self._first = first
        self._second = second
        self._weight = weight

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """Return scores of all items, float32 (b, n_items), for int64 (b,) user rows."""
        scores = divide_by_rms(self._first.scores(users))
        return scores.add_(divide_by_rms(self._second.scores(users)), alpha=self._weight)

    def embedding_tables(self) -> EmbeddingTables | None:
        """Return the free embeddings of the teacher that has any."""
        return self._first.embedding_tables() or self._second.embedding_tables()


def divide_by_rms(scores: Tensor) -> Tensor:
    """Divide each row by its root mean square, in place; rows of zeros stay zeros.

    Scores with different units can then be weighted against each other, and the scores of a user
    do not depend on the other users of the batch.

    Args:
        scores: float (b, n).
    """
    size = torch.linalg.vector_norm(scores, dim=1, keepdim=True) / max(scores.shape[1], 1) ** 0.5
    return scores.div_(torch.where(size > 0, size, 1))
