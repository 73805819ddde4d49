"""AAGE: the derivative of SignSwish replaces the derivative of the sign.

F. Luo and J. Wu, "Optimizing Recall in Deep Graph Hashing Framework for Item Retrieval",
AAAI 2024.
"""

from __future__ import annotations

import torch
from torch import Tensor


def sign_swish(x: Tensor, beta: float) -> Tensor:
    """SignSwish, ss_β(x) = 2σ(βx)(1 + βx(1 − σ(βx))) − 1, which tends to sgn(x) as β grows."""
    z = beta * x
    s = torch.sigmoid(z)
    return 2 * s * (1 + z * (1 - s)) - 1


def sign_swish_derivative(x: Tensor, beta: float) -> Tensor:
    """The derivative of SignSwish in closed form, 2β·σ(1 − σ)(2 − z(2σ − 1)), σ = σ(z), z = βx.

    It is even in z, so it is computed from |z|. For large |z|, 1 − σ becomes exactly 0; for
    negative z, σ would become subnormal, which is slow.

    Args:
        x: float tensor of any shape.
        beta: slope β > 0 of the surrogate; larger is closer to the sign and reaches fewer entries.

    Returns:
        The shape and dtype of ``x``.
    """
    z = (beta * x).abs_()
    s = torch.sigmoid(z)
    bend = torch.addcmul(z, z, s, value=-2).add_(2)
    return (1 - s).mul_(s).mul_(bend).mul_(2 * beta)
