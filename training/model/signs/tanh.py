"""Annealed tanh: tanh(βx) stands for the sign, and β grows until it is one.

Z. Cao et al., "HashNet: Deep Learning to Hash by Continuation", ICCV 2017, also in HashRec (Kang
and McAuley, CIKM 2019). There the relaxed value itself passes forward. Losses that count scores by
level (``bitrecall.training.model.losses.levels``) need exact codes, however; for these only the
backward pass is tanh's.
"""

from __future__ import annotations

import torch
from torch import Tensor


def annealed_slope(start: float, end: float, progress: float) -> float:
    """β on its way from ``start`` to ``end`` by equal ratios, start·(end/start)^progress.

    Args:
        start: β > 0 at the start of the schedule.
        end: β > 0 at its end.
        progress: share of the schedule that is done, 0 to 1.
    """
    return float(start * (end / start) ** progress)


def tanh_relaxation(x: Tensor, beta: float) -> Tensor:
    """tanh(βx) in both passes: values in [−1, 1] and no codes yet.

    Args:
        x: float tensor of any shape.
        beta: slope β > 0 at 0.

    Returns:
        The shape and dtype of ``x``.
    """
    return torch.tanh(beta * x)


def tanh_derivative(x: Tensor, beta: float) -> Tensor:
    """The derivative of tanh(βx), β(1 − tanh²(βx)); shape and dtype of ``x``."""
    return beta * (1 - torch.tanh(beta * x).square())
