"""The sign, and the surrogate that stands for its derivative in training.

AAGE, F. Luo and J. Wu, "Optimizing Recall in Deep Graph Hashing Framework for Item Retrieval",
AAAI 2024: the forward pass takes the sign, the backward pass the derivative of SignSwish.
"""

from __future__ import annotations

import torch
from torch import Tensor

# cosh overflows float32 past 88; the derivative is 0 to the last bit long before.
_LARGEST_ARGUMENT = 60.0


def sign(x: Tensor) -> Tensor:
    """sgn(x) with sgn(0) = +1, as the release packs it.

    Args:
        x: float tensor of any shape.

    Returns:
        The same shape and dtype, ±1.
    """
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


def sign_swish(x: Tensor, beta: float) -> Tensor:
    """SignSwish, ss_β(x) = 2σ(βx)(1 + βx(1 − σ(βx))) − 1, which tends to sgn(x) as β grows."""
    z = beta * x
    s = torch.sigmoid(z)
    return 2 * s * (1 + z * (1 - s)) - 1


def sign_swish_derivative(x: Tensor, beta: float) -> Tensor:
    """The derivative of SignSwish in closed form, β(2 − z·tanh(z/2))/(1 + cosh z), z = βx."""
    z = torch.clamp(beta * x, -_LARGEST_ARGUMENT, _LARGEST_ARGUMENT)
    return beta * (2 - z * torch.tanh(z / 2)) / (1 + torch.cosh(z))


class _SignWithSurrogate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, beta: float) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        ctx.beta = beta
        return sign(x)

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return gradients[0] * sign_swish_derivative(x, ctx.beta), None


def aage_sign(x: Tensor, beta: float) -> Tensor:
    """The sign in the forward pass, SignSwish's derivative in the backward pass (AAGE).

    Args:
        x: float tensor of any shape.
        beta: slope β > 0 of the surrogate; larger is closer to the sign and reaches fewer entries.

    Returns:
        ±1, the shape and dtype of ``x``.
    """
    codes: Tensor = _SignWithSurrogate.apply(x, beta)  # type: ignore[no-untyped-call]
    return codes
