"""The straight-through estimator: the derivative of the sign is replaced by 1.

Y. Bengio, N. Léonard and A. Courville, "Estimating or Propagating Gradients Through Stochastic
Neurons for Conditional Computation", 2013. Binarised networks (Hubara et al., NeurIPS 2016) also
set the gradient to 0 if |x| > 1. This is not done here: embeddings have mean magnitude 1, so about
40% of the entries would never change.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.model.signs.sign import sign_with_slope


def straight_through_sign(x: Tensor) -> Tensor:
    """The sign in the forward pass, the identity in the backward pass.

    Args:
        x: float tensor of any shape.

    Returns:
        ±1, the shape and dtype of ``x``.
    """
    return sign_with_slope(x, torch.ones_like)
