"""Two teachers with one voice."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.model.method import EmbeddingTables
from bitrecall.training.teacher.scorer import Scorer


class BlendedScorer:
    """The sum of two teachers' scores, each in units of its own root mean square for a user.

    Args:
        first: its scores count once.
        second: its scores count ``weight`` times.
        weight: ≥ 0.
    """

    def __init__(self, first: Scorer, second: Scorer, weight: float) -> None:
        self._first = first
        self._second = second
        self._weight = weight

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """float32 (b, n_items), for int64 (b,) user rows; seen items included."""
        found = in_own_units(self._first.scores(users))
        return found.add_(in_own_units(self._second.scores(users)), alpha=self._weight)

    def free(self) -> EmbeddingTables | None:
        """What was trained for either of them."""
        return self._first.free() or self._second.free()


def in_own_units(scores: Tensor) -> Tensor:
    """Divide each row by its root mean square, in place; rows of zeros stay zeros.

    Parts with units of their own can then be weighed against each other, and what a user gets
    does not depend on whom it is computed with.

    Args:
        scores: float (b, n).
    """
    size = torch.linalg.vector_norm(scores, dim=1, keepdim=True) / max(scores.shape[1], 1) ** 0.5
    return scores.div_(torch.where(size > 0, size, 1))
