"""The smooth rank at every score level, from the histogram of a user's scores.

With ±1 codes of f bits, a score s = b·d has one of the f + 1 values 2l − f, where the level l is
the number of equal bits. So the smooth rank, 1 + Σ_{j≠i} σ((s_j − s_i)/ψ), is the same for all
items on one level. The histogram over levels times one table gives the exact rank of each level.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bitrecall.training.model.losses.smooth_metrics import RankObjective


@dataclass(frozen=True)
class LevelGradients:
    """The loss of a batch, and its gradient with respect to the score, by level.

    Attributes:
        losses: float (b,), minus the weighted sum of values over each user's positives.
        any_item: float (b, f + 1), dL/ds of an item on that level, as a competitor of
            positives.
        positive: float (b, f + 1), dL/ds of a positive of weight 1 on that level, through its own
            rank; the gradient of a positive is the sum of both.
    """

    losses: Tensor
    any_item: Tensor
    positive: Tensor


def level_gradients(counts: Tensor, positives: Tensor, objective: RankObjective) -> LevelGradients:
    """Compute the loss and its gradients from the two histograms of each user.

    The terms j = i of the rank cancel between the two gradients, so both tables keep them.
    Only the rank itself subtracts one (σ(0) = 1/2).

    Args:
        counts: float (b, f + 1), number of ranked items on each level, including positives.
        positives: float (b, f + 1), the weights of the positives on each level.
        objective: the value of a rank, and the temperature of ranks.

    Returns:
        The losses and gradients, in O(b·f²), independent of the size of the catalogue.
    """
    bits = counts.shape[1] - 1
    scores = 2 * torch.arange(bits + 1, device=counts.device, dtype=counts.dtype) - bits
    # above[l', l] = K_ψ(s_l' − s_l): how much an item on l' counts as ranked above one on l.
    above = torch.sigmoid((scores[:, None] - scores[None, :]) / objective.psi)
    steepness = above * (1 - above) / objective.psi
    ranks = 0.5 + counts @ above
    value, slope = objective.value_and_slope(ranks)
    weight = positives * slope
    any_item = weight @ steepness
    # Levels far from every positive have slopes that are subnormal or nearly so. A CPU multiplies
    # subnormal numbers several times slower.
    any_item[any_item.abs() < torch.finfo(any_item.dtype).tiny * 2**24] = 0
    return LevelGradients(
        losses=-(positives * value).sum(dim=1),
        any_item=any_item,
        positive=-slope * (counts @ steepness),
    )
