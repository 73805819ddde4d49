"""Creates the loss that a recipe names; all losses have the same signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from bitrecall.training.model.losses.bpr import bpr_loss
from bitrecall.training.model.losses.pairs import Pairs, Sample
from bitrecall.training.model.losses.rank_loss import smooth_recall_loss
from bitrecall.training.model.losses.smooth_metrics import RankObjective, SmoothNDCG, SmoothRecall
from bitrecall.training.model.losses.softmax import softmax_loss


class LossSection(Protocol):
    """A recipe's settings of the ranking loss."""

    @property
    def name(self) -> Literal["smooth_recall", "smooth_ndcg", "softmax", "bpr"]:
        """Name of the loss."""

    @property
    def cutoffs(self) -> Sequence[float]:
        """Cut-offs N of the smooth metrics."""

    @property
    def phi(self) -> float:
        """φ of the smooth metrics, as a share of N."""

    @property
    def psi(self) -> float:
        """ψ of the smooth metrics, in units of score."""

    @property
    def temperature(self) -> float:
        """τ of softmax and BPR, in units of score."""

    @property
    def negatives(self) -> int:
        """Number of items that BPR draws per positive."""


@dataclass(frozen=True)
class RankingLoss:
    """A loss of the codes of a batch of users against the codes of the catalogue.

    Attributes:
        exact: whether codes must be ±1, because scores are counted by level.
        compute: computes the loss, with the arguments of ``__call__``.
    """

    exact: bool
    compute: Callable[
        [Tensor, Tensor, Pairs, Pairs | None, Tensor, Sample | None, torch.Generator], Tensor
    ]

    def __call__(
        self,
        user_codes: Tensor,
        item_codes: Tensor,
        positives: Pairs,
        excluded: Pairs | None,
        weights: Tensor,
        sample: Sample | None,
        generator: torch.Generator,
    ) -> Tensor:
        """Compute the loss; smaller is better.

        Args:
            user_codes: float32 (b, f).
            item_codes: float32 (n, f).
            positives: the pairs to rank high.
            excluded: pairs to ignore; disjoint from the positives.
            weights: float32 (p,), the weight of each positive.
            sample: items that represent the catalogue; None uses all of it. BPR draws its own
                negatives and ignores it.
            generator: a random generator on the CPU, for BPR's draws.

        Returns:
            float32 scalar.
        """
        return self.compute(user_codes, item_codes, positives, excluded, weights, sample, generator)


def ranking_loss(section: LossSection) -> RankingLoss:
    """Create the loss of a recipe."""
    match section.name:
        case "smooth_recall":
            return _smooth(SmoothRecall(section.cutoffs, section.phi, section.psi))
        case "smooth_ndcg":
            return _smooth(SmoothNDCG(section.cutoffs, section.phi, section.psi))
        case "softmax":
            temperature = section.temperature
            return RankingLoss(
                False,
                lambda users, items, positives, excluded, weights, sample, _: softmax_loss(
                    users, items, positives, excluded, temperature, weights=weights, sample=sample
                ),
            )
        case "bpr":
            temperature, negatives = section.temperature, section.negatives
            return RankingLoss(
                False,
                lambda users, items, positives, excluded, weights, _, generator: bpr_loss(
                    users,
                    items,
                    positives,
                    excluded,
                    temperature,
                    negatives=negatives,
                    generator=generator,
                    weights=weights,
                ),
            )


def _smooth(objective: RankObjective) -> RankingLoss:
    return RankingLoss(
        True,
        lambda users, items, positives, excluded, weights, sample, _: smooth_recall_loss(
            users, items, positives, excluded, objective, weights=weights, sample=sample
        ),
    )
