"""The interface of teachers."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.model.method import EmbeddingTables


class Scorer(Protocol):
    """A teacher: scores all items for any users; larger scores are better."""

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """Return scores, float32 (b, n_items), including seen items, on the teacher's device."""
        ...

    def embedding_tables(self) -> EmbeddingTables | None:
        """Return trained embeddings that a later teacher can start from; None for closed forms."""
        ...
