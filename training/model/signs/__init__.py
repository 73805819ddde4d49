"""The sign, and what stands for its derivative in training."""

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
    """What a recipe says about the sign; lengths are for embeddings of mean magnitude 1."""

    @property
    def estimator(self) -> Literal["aage", "straight_through", "tanh", "fourier"]:
        """What stands for the sign's derivative."""

    @property
    def beta(self) -> float:
        """β of AAGE, or of tanh at the start."""

    @property
    def beta_end(self) -> float:
        """β of tanh at the end."""

    @property
    def fourier_terms(self) -> int:
        """n, the terms of the Fourier series."""

    @property
    def fourier_width(self) -> float:
        """w, half the period of the Fourier series."""


def sign_estimator(
    section: SignSection, progress: float, *, exact: bool = True
) -> Callable[[Tensor], Tensor]:
    """Make codes of embeddings in training, as a recipe says.

    Args:
        section: the estimator and its settings, for rows of mean magnitude 1.
        progress: share of the schedule that is done, 0 to 1; only tanh anneals.
        exact: whether the loss needs codes of ±1. Where it does not, tanh passes its relaxed
            values forward, as published; the other estimators always give ±1.

    Returns:
        A function of float embeddings (n, f), rows of any magnitude, that gives their codes in
        that shape and dtype.
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
