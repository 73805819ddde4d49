"""Objectives: ranking metrics that are differentiable functions of the smooth rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


class RankObjective(Protocol):
    """A metric that is a sum over positives of a function of their rank."""

    @property
    def psi(self) -> float:
        """ψ, the temperature of the rank, in units of score."""

    def value_and_slope(self, ranks: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the value of a positive at each rank, and minus its derivative.

        Args:
            ranks: float, any shape, at least 1/2.

        Returns:
            Two tensors of that shape: values that decrease with the rank, and slopes ≥ 0.
        """


@dataclass(frozen=True)
class SmoothRecall:
    """Recall@N with a smooth cut-off, K_φ(N − rank), averaged over several N.

    F. Luo and J. Wu, "Optimizing Recall in Deep Graph Hashing Framework for Item Retrieval",
    AAAI 2024.

    Attributes:
        cutoffs: the N of Recall@N.
        phi: φ as a share of N: K_φ has temperature ``phi * N``.
        psi: ψ, the temperature of the rank, in units of score.
    """

    cutoffs: Sequence[float]
    phi: float
    psi: float

    def value_and_slope(self, ranks: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over N of K_φ(N − rank), in (0, 1), and minus its derivative by the rank."""
        return _smooth_cutoff(ranks, self.cutoffs, self.phi)


@dataclass(frozen=True)
class SmoothNDCG:
    """NDCG@N with a smooth cut-off, K_φ(N − rank)/log2(1 + rank), averaged over several N.

    Qin, Liu and Li, "A General Approximation Framework for Direct Optimization of Information
    Retrieval Measures", Information Retrieval 13, 2010: DCG of smooth ranks. Dividing a user's
    gain by that of the ideal list is left to the weights of the user's positives.

    Attributes:
        cutoffs: the N of NDCG@N; empty counts the whole ranking.
        phi: φ as a share of N: K_φ has temperature ``phi * N``.
        psi: ψ, the temperature of the rank, in units of score.
    """

    cutoffs: Sequence[float]
    phi: float
    psi: float

    def value_and_slope(self, ranks: Tensor) -> tuple[Tensor, Tensor]:
        """Mean over N of K_φ(N − rank)/log2(1 + rank), and minus its derivative by the rank."""
        logarithm = torch.log1p(ranks)
        gain = math.log(2) / logarithm
        gain_slope = gain / (logarithm * (1 + ranks))
        if not self.cutoffs:
            return gain, gain_slope
        kept, kept_slope = _smooth_cutoff(ranks, self.cutoffs, self.phi)
        return gain * kept, gain * kept_slope + gain_slope * kept


def _smooth_cutoff(ranks: Tensor, cutoffs: Sequence[float], phi: float) -> tuple[Tensor, Tensor]:
    value = torch.zeros_like(ranks)
    slope = torch.zeros_like(ranks)
    for cutoff in cutoffs:
        temperature = phi * cutoff
        recalled = torch.sigmoid((cutoff - ranks) / temperature)
        value += recalled
        slope += recalled * (1 - recalled) / temperature
    return value / len(cutoffs), slope / len(cutoffs)
