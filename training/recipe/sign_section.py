"""Recipe section of the sign estimator."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from bitrecall.training.recipe.section import Section


class SignRecipe(Section):
    """The sign, and the surrogate of its derivative."""

    estimator: Literal["aage", "straight_through", "tanh", "fourier"] = Field(
        "aage", description="gradient estimator of the sign"
    )
    beta: float = Field(
        1.0,
        gt=0,
        description="slope, for embeddings of mean magnitude 1: of AAGE, or the initial slope of "
        "tanh",
    )
    beta_end: float = Field(
        10.0, gt=0, description="tanh: slope at the end of the schedule; grows geometrically"
    )
    fourier_terms: int = Field(
        8, ge=1, le=64, description="Fourier: number of terms of the series (odd harmonics)"
    )
    # The square wave falls at ±w, so w must exceed nearly all entries: 4 for mean magnitude 1.
    fourier_width: float = Field(
        4.0, gt=0, description="Fourier: half the period, for embeddings of mean magnitude 1"
    )

    @model_validator(mode="after")
    def _check_slopes(self) -> Self:
        if self.estimator == "tanh" and self.beta_end < self.beta:
            raise ValueError(f"beta_end ({self.beta_end}) must be at least beta ({self.beta})")
        return self
