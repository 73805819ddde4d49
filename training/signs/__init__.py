"""The sign, and what stands for its derivative in training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol

from torch import Tensor

from training.signs.aage import aage_sign
from training.signs.fourier import fourier_sign
from training.signs.sign import sign, sign_with_slope
from training.signs.straight_through import straight_through_sign
from training.signs.tanh import annealed_slope, tanh_relaxation, tanh_sign

__all__ = [
    "SignSection",
    "aage_sign",
    "annealed_slope",
    "fourier_sign",
    "sign",
    "sign_estimator",
    "sign_with_slope",
    "straight_through_sign",
    "tanh_relaxation",
    "tanh_sign",
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
        section: the estimator and its settings.
        progress: share of the schedule that is done, 0 to 1; only tanh anneals.
        exact: whether the loss needs codes of ±1. Where it does not, tanh passes its relaxed
            values forward, as published; the other estimators always give ±1.

    Returns:
        A function of float embeddings, any shape, rows of mean magnitude 1, that gives their
        codes in that shape and dtype.
    """
    match section.estimator:
        case "aage":
            return partial(aage_sign, beta=section.beta)
        case "straight_through":
            return straight_through_sign
        case "tanh":
            beta = annealed_slope(section.beta, section.beta_end, progress)
            return partial(tanh_sign if exact else tanh_relaxation, beta=beta)
        case "fourier":
            return partial(
                fourier_sign, terms=section.fourier_terms, half_period=section.fourier_width
            )
