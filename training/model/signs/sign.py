"""The sign, and the sign with another function's derivative in the backward pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Entries per block, so that a slope's intermediate values stay in the L2 cache.
_CHUNK = 65_536


def sign(x: Tensor) -> Tensor:
    """Compute sgn(x) with sgn(0) = +1, as releases pack codes.

    Args:
        x: float tensor of any shape.

    Returns:
        The same shape and dtype, ±1.
    """
    return (x >= 0).to(x.dtype).mul_(2).sub_(1)


def sign_with_slope(x: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:
    """The sign in the forward pass, and a chosen derivative in the backward pass.

    Args:
        x: float tensor of any shape.
        slope: returns the surrogate of the sign's derivative at the entries of ``x``, which carry
            no gradient, element by element.

    Returns:
        ±1, the shape and dtype of ``x``.
    """
    codes: Tensor = _SignWithSlope.apply(x, slope)  # type: ignore[no-untyped-call]
    return codes


class _SignWithSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, slope: Callable[[Tensor], Tensor]) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        ctx.slope = slope
        return sign(x)

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        if x.device.type != "cpu":
            return gradients[0] * ctx.slope(x), None
        x, gradient = x.contiguous(), gradients[0].contiguous()
        product = torch.empty_like(x)
        parts = (tensor.view(-1).split(_CHUNK) for tensor in (product, gradient, x))
        for into, factor, values in zip(*parts, strict=True):
            torch.mul(factor, ctx.slope(values), out=into)
        return product, None
