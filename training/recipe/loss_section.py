"""Recipe section of the ranking loss."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bitrecall.training.recipe.section import Section


class LossRecipe(Section):
    """The ranking loss."""

    name: Literal["smooth_recall", "smooth_ndcg", "softmax", "bpr"] = Field(
        "smooth_recall", description="SRLoss, smooth NDCG, softmax over the catalogue, or BPR"
    )
    cutoffs: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (5, 10, 20, 50, 100, 200),
        min_length=1,
        description="cut-offs N of Recall@N that the loss averages over",
    )
    phi: float = Field(0.5, gt=0, description="temperature of the cut-off, as a share of N")
    psi: float = Field(3.0, gt=0, description="temperature of the rank, in units of score")
    temperature: float = Field(
        16.0,
        gt=0,
        description="softmax and BPR: temperature that divides scores, in units of score",
    )
    weighting: Literal["pairs", "users"] = Field(
        "pairs", description="weight each pair equally, or each user of a batch"
    )
    sample: int = Field(
        4096,
        ge=0,
        description="items sampled per step to represent the catalogue, except for BPR; 0 scores "
        "all items",
    )
    head: int = Field(
        12_288,
        ge=0,
        description="with a sample: number of most popular items that are always scored",
    )
    negatives: int = Field(
        1, ge=1, le=64, description="BPR: negative items sampled uniformly per positive"
    )
