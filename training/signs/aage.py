"""AAGE: the derivative of SignSwish stands for that of the sign.

F. Luo and J. Wu, "Optimizing Recall in Deep Graph Hashing Framework for Item Retrieval",
AAAI 2024.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.signs.sign import sign_with_slope


def sign_swish(x: Tensor, beta: float) -> Tensor:
    """SignSwish, ss_β(x) = 2σ(βx)(1 + βx(1 − σ(βx))) − 1, which tends to sgn(x) as β grows."""
    z = beta * x
    s = torch.sigmoid(z)
    return 2 * s * (1 + z * (1 - s)) - 1


def sign_swish_derivative(x: Tensor, beta: float) -> Tensor:
    """The derivative of SignSwish in closed form, β(2 − z·tanh(z/2))/(1 + cosh z), z = βx.

    Both functions are even in z, and with e = exp(−|z|), which cannot overflow, tanh(|z|/2) is
    (1 − e)/(1 + e), and 1 + cosh z is (1 + e)²/(2e).
    """
    z = (beta * x).abs_()
    e = torch.exp(-z)
    above = 1 / (1 + e)
    return (2 - z.mul_(1 - e).mul_(above)).mul_(e).mul_(above).mul_(above).mul_(2 * beta)


def aage_sign(x: Tensor, beta: float) -> Tensor:
    """The sign in the forward pass, SignSwish's derivative in the backward pass.

    Args:
        x: float tensor of any shape.
        beta: slope β > 0 of the surrogate; larger is closer to the sign and reaches fewer entries.

    Returns:
        ±1, the shape and dtype of ``x``.
    """
    return sign_with_slope(x, lambda values: sign_swish_derivative(values, beta))
