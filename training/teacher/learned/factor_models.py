"""Recommenders that score by inner products of user and item vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from implicit.cpu.als import AlternatingLeastSquares  # type: ignore[import-untyped]
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor

from bitrecall.training.model.svd import randomised_svd
from bitrecall.training.teacher.normalised_pairs import SparsePair, degrees, normalised

# Exponents of the graph filter (``bitrecall.training.recipe.teacher_section``).
_USER_POWER, _ITEM_POWER, _LOW_PASS_POWER = 0.3, 0.4, 0.6
_OVERSAMPLING = 16

_FACTORS = 64
_CONFIDENCE = 10.0
_REGULARISATION = 0.1
_ITERATIONS = 15


class Factors(NamedTuple):
    """Vectors whose inner products are the scores.

    Attributes:
        users: float32 (n_users, f).
        items: float32 (n_items, f).
    """

    users: Tensor
    items: Tensor


def low_pass(
    matrix: sp.csr_matrix,
    rank: int,
    seed: int,
    device: torch.device | str = "cpu",
) -> Factors:
    """Return the ideal low-pass part of the graph filter (GF-CF).

    The first columns of the vectors are those of lower ranks.

    Args:
        matrix: float32 CSR (n_users, n_items).
        rank: number of singular vectors; a higher rank than the matrix has is the full one.
        seed: seed of the randomised SVD.
        device: device of the dense products.
    """
    pair = SparsePair.of(normalised(matrix, _USER_POWER, _ITEM_POWER), device)
    drawn = min(rank + _OVERSAMPLING, *matrix.shape)
    generator = torch.Generator(device).manual_seed(seed)
    _, _, vectors = randomised_svd(pair.matrix, pair.transpose, drawn, generator)
    vectors = vectors.cpu()
    popularity = torch.from_numpy(degrees(matrix)[1])[:, None]
    weighted = (vectors * popularity**-_LOW_PASS_POWER).numpy()
    users = torch.from_numpy(np.ascontiguousarray(matrix @ weighted))
    items = vectors * popularity**_LOW_PASS_POWER
    return Factors(users[:, :rank].contiguous(), items[:, :rank].contiguous())


def scores_of_ranks(factors: Factors, users: Tensor, ranks: Sequence[int]) -> list[Tensor]:
    """Return the scores by the first columns of the vectors, for each number of columns.

    Args:
        factors: the vectors.
        users: int64 (b,) rows.
        ranks: ascending numbers of columns.

    Returns:
        float32 (b, n_items) for each number.
    """
    scores: list[Tensor] = []
    start = 0
    for rank in ranks:
        left, right = factors.users[users, start:rank], factors.items[:, start:rank].T
        scores.append(torch.addmm(scores[-1], left, right) if scores else left @ right)
        start = rank
    return scores


def als(
    matrix: sp.csr_matrix,
    seed: int,
    threads: int,
    *,
    factors: int = _FACTORS,
    regularisation: float = _REGULARISATION,
    confidence: float = _CONFIDENCE,
) -> Factors:
    """Return the factors of implicit ALS, by the library ``implicit``.

    Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", ICDM 2008.

    Args:
        matrix: float32 CSR (n_users, n_items).
        seed: seed of the initial factors.
        threads: number of threads.
        factors: length of the vectors.
        regularisation: weight of the squared factors.
        confidence: factor of the entries, "alpha" in the library.
    """
    # BLAS' own threads would slow down the library's.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=regularisation,
            alpha=confidence,
            iterations=_ITERATIONS,
            num_threads=threads,
            random_state=seed,
        )
        model.fit(matrix, show_progress=False)
    return Factors(torch.from_numpy(model.user_factors), torch.from_numpy(model.item_factors))
