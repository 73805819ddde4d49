"""AAGE: the derivative of SignSwish stands for that of the sign.

F. Luo and J. Wu, "Optimizing Recall in Deep Graph Hashing Framework for Item Retrieval",
AAAI 2024.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.signs.sign import sign_with_slope

# cosh overflows float32 past 88; the derivative is 0 to the last bit long before.
_LARGEST_ARGUMENT = 60.0


def sign_swish(x: Tensor, beta: float) -> Tensor:
    """SignSwish, ss_β(x) = 2σ(βx)(1 + βx(1 − σ(βx))) − 1, which tends to sgn(x) as β grows."""
    z = beta * x
    s = torch.sigmoid(z)
    return 2 * s * (1 + z * (1 - s)) - 1


def sign_swish_derivative(x: Tensor, beta: float) -> Tensor:
    """The derivative of SignSwish in closed form, β(2 − z·tanh(z/2))/(1 + cosh z), z = βx."""
    z = torch.clamp(beta * x, -_LARGEST_ARGUMENT, _LARGEST_ARGUMENT)
    return beta * (2 - z * torch.tanh(z / 2)) / (1 + torch.cosh(z))


def aage_sign(x: Tensor, beta: float) -> Tensor:
    """The sign in the forward pass, SignSwish's derivative in the backward pass.

    Args:
        x: float tensor of any shape.
        beta: slope β > 0 of the surrogate; larger is closer to the sign and reaches fewer entries.

    Returns:
        ±1, the shape and dtype of ``x``.
    """
    return sign_with_slope(x, lambda values: sign_swish_derivative(values, beta))
