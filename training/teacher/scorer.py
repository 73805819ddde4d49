"""What every teacher has in common."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.model.method import EmbeddingTables


class Scorer(Protocol):
    """A teacher: scores of all items for any users, the larger the better."""

    def scores(self, users: NDArray[np.int64]) -> Tensor:
        """float32 (b, n_items), seen items included, on the teacher's device."""
        ...

    def free(self) -> EmbeddingTables | None:
        """What was trained for it, which a later one can start from; None in closed form."""
        ...
