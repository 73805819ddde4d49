"""The loss that a recipe names, whichever it is, called in one way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from bitrecall.training.model.losses.bpr import bpr_loss
from bitrecall.training.model.losses.objectives import RankObjective, SmoothNDCG, SmoothRecall
from bitrecall.training.model.losses.pairs import Pairs, Sample
from bitrecall.training.model.losses.smooth_recall import smooth_recall_loss
from bitrecall.training.model.losses.softmax import softmax_loss


class LossSection(Protocol):
    """What a recipe says about the ranking loss."""

    @property
    def name(self) -> Literal["smooth_recall", "smooth_ndcg", "softmax", "bpr"]:
        """Which loss."""

    @property
    def cutoffs(self) -> Sequence[float]:
        """The N of the smooth measures."""

    @property
    def phi(self) -> float:
        """φ of the smooth measures, as a share of N."""

    @property
    def psi(self) -> float:
        """ψ of the smooth measures, in units of score."""

    @property
    def temperature(self) -> float:
        """τ of softmax and BPR, in units of score."""

    @property
    def negatives(self) -> int:
        """The items BPR draws for each positive."""


@dataclass(frozen=True)
class RankingLoss:
    """A loss of a batch's codes against the whole catalogue's.

    Attributes:
        exact: whether codes must be ±1, since scores are counted by level.
        compute: what calling the loss comes down to, with the same arguments.
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
        """The loss, smaller being better.

        Args:
            user_codes: float32 (b, f).
            item_codes: float32 (n, f).
            positives: the pairs to rank high.
            excluded: pairs that take no part; disjoint from the positives.
            weights: float32 (p,), the weight of each positive.
            sample: items that stand for the catalogue; None looks at all of it. BPR draws its own
                negatives and takes no notice.
            generator: a generator on the CPU, for the loss that draws items itself.

        Returns:
            float32 scalar.
        """
        return self.compute(user_codes, item_codes, positives, excluded, weights, sample, generator)


def ranking_loss(section: LossSection) -> RankingLoss:
    """Take the loss and its settings from a recipe."""
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
