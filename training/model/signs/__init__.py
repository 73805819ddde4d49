"""The sign, and surrogates of its derivative for training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol

import torch
from torch import Tensor

from bitrecall.training.model.signs.aage import sign_swish_derivative
from bitrecall.training.model.signs.fourier import fourier_derivative, fourier_sign
from bitrecall.training.model.signs.rows import sign_of_rows, unit_magnitude
from bitrecall.training.model.signs.sign import sign, sign_with_slope
from bitrecall.training.model.signs.straight_through import straight_through_sign
from bitrecall.training.model.signs.tanh import annealed_slope, tanh_derivative, tanh_relaxation

__all__ = [
    "SignSection",
    "annealed_slope",
    "fourier_derivative",
    "fourier_sign",
    "sign",
    "sign_estimator",
    "sign_of_rows",
    "sign_swish_derivative",
    "sign_with_slope",
    "straight_through_sign",
    "tanh_derivative",
    "tanh_relaxation",
    "unit_magnitude",
]


class SignSection(Protocol):
    """A recipe's settings of the sign; lengths are for embeddings of mean magnitude 1."""

    @property
    def estimator(self) -> Literal["aage", "straight_through", "tanh", "fourier"]:
        """Name of the surrogate of the sign's derivative."""

    @property
    def beta(self) -> float:
        """β of AAGE, or of tanh at the start."""

    @property
    def beta_end(self) -> float:
        """β of tanh at the end."""

    @property
    def fourier_terms(self) -> int:
        """n, the number of terms of the Fourier series."""

    @property
    def fourier_width(self) -> float:
        """w, half the period of the Fourier series."""


def sign_estimator(
    section: SignSection, progress: float, *, exact: bool = True
) -> Callable[[Tensor], Tensor]:
    """Create the function that turns embeddings into codes during training.

    Args:
        section: the estimator and its settings, for rows of mean magnitude 1.
        progress: completed share of the schedule, 0 to 1; only tanh uses it.
        exact: whether the loss needs codes of ±1. If not, tanh passes its relaxed values forward,
            as published; the other estimators always return ±1.

    Returns:
        A function of float embeddings (n, f), with rows of any magnitude, that returns their codes
        in the same shape and dtype.
    """
    beta = annealed_slope(section.beta, section.beta_end, progress)
    if section.estimator == "tanh" and not exact:
        return lambda embeddings: tanh_relaxation(unit_magnitude(embeddings), beta)
    slopes: dict[str, Callable[[Tensor], Tensor]] = {
        "aage": partial(sign_swish_derivative, beta=section.beta),
        "straight_through": torch.ones_like,
        "tanh": partial(tanh_derivative, beta=beta),
        "fourier": partial(
            fourier_derivative, terms=section.fourier_terms, half_period=section.fourier_width
        ),
    }
    return partial(sign_of_rows, slope=slopes[section.estimator])
