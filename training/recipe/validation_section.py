"""Recipe section of validation."""

from __future__ import annotations

from pydantic import Field

from bitrecall.training.data.split import Cut
from bitrecall.training.recipe.section import Section, Share


class ValidationRecipe(Section):
    """Early stopping on pairs held out from the training pairs."""

    share: Share = Field(
        0.15, description="share of each user's training pairs held out; 0 for none"
    )
    cut: Cut = Field(
        "auto",
        description="which pairs of a user are held out: random ones, or the latest by time, or "
        "else by their order in the files; auto takes the latest if their order is known",
    )
    metric: str = Field(
        "recall@50",
        pattern=r"^(recall|ndcg|precision|hit_rate)@[1-9][0-9]*$",
        description="metric that selects the best epoch, at any cut-off",
    )
    patience: int | None = Field(
        None, ge=1, description="stop after this many epochs without improvement; None runs all"
    )
    users: int = Field(
        10_000, ge=1, description="maximum number of users to validate on, sampled at random"
    )
    refit: bool = Field(True, description="continue on all pairs after the best epoch")
