"""Annealed tanh: tanh(βx) approximates the sign, and β grows during training.

Z. Cao et al., "HashNet: Deep Learning to Hash by Continuation", ICCV 2017, also in HashRec (Kang
and McAuley, CIKM 2019). Both pass the relaxed value forward. Losses that count scores by
level (``bitrecall.training.model.losses.levels``) need exact codes; for these, only the backward
pass uses tanh.
"""

from __future__ import annotations

import torch
from torch import Tensor


def annealed_slope(start: float, end: float, progress: float) -> float:
    """Interpolate β geometrically: start·(end/start)^progress.

    Args:
        start: β > 0 at the start of the schedule.
        end: β > 0 at its end.
        progress: completed share of the schedule, 0 to 1.
    """
    return float(start * (end / start) ** progress)


def tanh_relaxation(x: Tensor, beta: float) -> Tensor:
    """tanh(βx) in both passes: values in [−1, 1], not codes.

    Args:
        x: float tensor of any shape.
        beta: slope β > 0 at 0.

    Returns:
        The shape and dtype of ``x``.
    """
    return torch.tanh(beta * x)


def tanh_derivative(x: Tensor, beta: float) -> Tensor:
    """The derivative of tanh(βx), β(1 − tanh²(βx)), in the shape and dtype of ``x``."""
    return beta * (1 - torch.tanh(beta * x).square())
