"""Users' histories as matrices: all items alike, or newer items with larger weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

# Numbers of items after which a weight has fallen to 1/e: a long and a short memory, from which the
# ranker takes what it needs. Not tuned.
DECAYS = (10.0, 2.0)


@dataclass(frozen=True)
class History:
    """The weights of users' items.

    Attributes:
        name: "all", or "decay_" and the decay.
        matrix: float32 CSR (n_users, n_items).
    """

    name: str
    matrix: sp.csr_matrix


def histories(matrix: sp.csr_matrix, ages: NDArray[np.int32] | None) -> list[History]:
    """Return the histories of all users.

    Args:
        matrix: float32 CSR (n_users, n_items), the interactions or their weights.
        ages: int32 (nnz,), for each entry of the matrix the number of the user's later items; None
            if their order is unknown. Then there is one history.
    """
    every = [History("all", matrix)]
    if ages is None:
        return every
    decayed = []
    for decay in DECAYS:
        weights = matrix.data * np.exp(-ages / decay).astype(np.float32)
        newer = sp.csr_matrix((weights, matrix.indices, matrix.indptr), shape=matrix.shape)
        decayed.append(History(f"decay_{decay:g}", newer))
    return every + decayed
