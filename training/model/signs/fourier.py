"""The derivative of the truncated Fourier series of the sign.

Y. Chen et al., "Bipartite Graph Convolutional Hashing for Effective and Efficient Top-N Search in
Hamming Space", WWW 2023 (BGCH). On (−w, w) the sign is one period of the square wave of period
2w. That wave is odd and has the sine coefficients (2/w)∫₀^w sin(πix/w) dx = 4/(πi) for odd i, 0
for even i, so its first n terms are

    S_n(x) = (4/π) Σ_{i = 1, 3, …, 2n − 1} sin(πix/w)/i,

and term by term S_n'(x) = (4/w) Σ cos(πix/w). Times 2 sin(πx/w) that sum telescopes, since
2 sin θ cos iθ = sin (i + 1)θ − sin (i − 1)θ, which leaves

    S_n'(x) = (2/w) sin(2nπx/w) / sin(πx/w).

Beyond ±w the wave falls again: the derivative has the wrong sign there, and is −4n/w at w. So w
should be well above the magnitude of the embeddings.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bitrecall.training.model.signs.sign import sign_with_slope


def fourier_derivative(x: Tensor, *, terms: int, half_period: float) -> Tensor:
    """S_n'(x), the derivative of the sign's Fourier series after n terms.

    Args:
        x: float tensor of any shape.
        terms: n, the number of odd harmonics.
        half_period: w, in units of ``x``.

    Returns:
        The shape and dtype of ``x``; 4n/w at 0.
    """
    # With x = (m + r)w, m an integer and |r| ≤ 1/2, both sines are those of r except for a factor
    # (−1)^m. At the smallest non-zero r, their ratio equals its limit at 0. torch's sine and
    # rounding are fast, its sinc and remainder slow.
    turns = x * (1 / half_period)
    rounded = torch.round(turns)
    angle = turns.sub_(rounded).mul_(math.pi)
    angle.masked_fill_(angle == 0, torch.finfo(x.dtype).tiny)
    half = rounded.mul_(0.5)
    parity = half.sub_(torch.floor(half)).mul_(-4).add_(1)
    ratio = torch.sin(2 * terms * angle).div_(torch.sin(angle))
    return ratio.mul_(parity).mul_(2 / half_period)


def fourier_sign(
    x: Tensor, *, terms: int, half_period: float, bound: float | None = None
) -> Tensor:
    """The sign forward, and the derivative of its truncated Fourier series backward.

    BGCH's public code (yankai-chen/BGCH, gradient.py) names the angular frequency π/w instead of
    w, and all harmonics, even ones included, instead of n; its defaults, frequency 1 and
    harmonics below 20, are w = π and n = 10. It also clips the derivative to ±1, which the paper
    does not; ``bound`` does the same.

    Args:
        x: float tensor of any shape.
        terms: n, the number of odd harmonics.
        half_period: w, in units of ``x``.
        bound: largest magnitude of the derivative; None does not clip it.

    Returns:
        ±1, the shape and dtype of ``x``.
    """

    def slope(values: Tensor) -> Tensor:
        derivative = fourier_derivative(values, terms=terms, half_period=half_period)
        return derivative if bound is None else derivative.clamp(-bound, bound)

    return sign_with_slope(x, slope)
