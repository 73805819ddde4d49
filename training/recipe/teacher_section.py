"""Recipe section of the teacher; the modules of ``teacher`` explain its settings."""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field

from bitrecall.training.recipe.section import Section


class TeacherLightGCNRecipe(Section):
    """Full-precision LightGCN, a part of the teacher (see ``teacher.lightgcn_scorer``)."""

    weight: float = Field(
        0.0,
        ge=0,
        description="filter and EASE: weight of its scores relative to those in closed form, each "
        "divided by its root mean square; 0 trains none",
    )
    dimensions: int = Field(64, ge=1, le=4096, description="embedding dimensions")
    layers: int = Field(3, ge=0, le=8, description="number of propagation layers, K")
    epochs: int = Field(
        50, ge=1, description="passes over all pairs; the cosine schedule ends here"
    )
    learning_rate: float = Field(0.05, gt=0, description="Adam's learning rate; cosine schedule")
    regularisation: float = Field(
        1e-3,
        ge=0,
        description="L2 penalty: times half the squared embeddings of a pair and its negative",
    )
    batch_pairs: int = Field(65_536, ge=1, le=4_194_304, description="training pairs per step")


class TeacherRecipe(Section):
    """The teacher and its lists (``bitrecall.training.teacher``)."""

    kind: Literal["learned", "filter", "ease"] = Field(
        "learned",
        description="a ranker over the scores of several recommenders, the graph filter (as in "
        "GF-CF), or EASE",
    )
    held_out: float = Field(
        0.15,
        gt=0,
        lt=1,
        description="learned: share of each user's pairs that the ranker is fitted on, if "
        "validation holds out none: the latest pairs if their order is known",
    )
    length: int = Field(100, ge=1, le=10_000, description="unseen items per user's list")
    discount: Literal["score", "rank", "log2"] = Field(
        "score",
        description="weight of a listed item: score^discount_power, 0 for scores below 0; "
        "rank^-discount_power; or 1 / log2(1 + rank)",
    )
    discount_power: float = Field(
        1.4,
        ge=0,
        description="how fast weights fall: 1 is as fast as the hit rate of the learned teacher, "
        "and more favours the first ranks; 0 weights all equally",
    )
    pairs: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of each user's weight for its training pairs; the rest is for the list",
    )
    user_power: float = Field(
        0.3, ge=0, le=1, description="filter: pairs are divided by the user's degree to this power"
    )
    item_power: float = Field(
        0.4, ge=0, le=1, description="filter: pairs are divided by the item's degree to this power"
    )
    neighbours: int = Field(
        0,
        ge=0,
        description="filter: number of strongest neighbours to keep per item; 0 keeps all",
    )
    linear_power: float = Field(
        0.1,
        ge=0,
        le=1,
        description="filter: the linear part divides by item degrees to this power before, and "
        "multiplies by them after",
    )
    rank: int = Field(512, ge=0, le=8192, description="filter: rank of the ideal low-pass part")
    low_pass: float = Field(
        0.3,
        ge=0,
        description="filter: weight of the low-pass part relative to the linear part, each "
        "divided by its root mean square",
    )
    low_pass_power: float = Field(
        0.6,
        ge=0,
        le=1,
        description="filter: the low-pass part divides by item degrees to this power before, and "
        "multiplies by them after",
    )
    sharpen: float = Field(
        0.2, ge=0, description="filter: weight of the twice filtered scores, which are subtracted"
    )
    regularisation: float = Field(
        500.0, gt=0, description="EASE: added to the diagonal of the Gram matrix"
    )
    ease_rank: int = Field(
        0, ge=0, le=8192, description="EASE: rank of the truncated Gram matrix; 0 is exact"
    )
    lightgcn: TeacherLightGCNRecipe = TeacherLightGCNRecipe()

    def continued(self) -> Self:
        """Return the section for a training that starts from the embeddings of an earlier one."""
        epochs = math.ceil(self.lightgcn.epochs / 4)
        lightgcn = self.lightgcn.model_copy(update={"epochs": epochs})
        return self.model_copy(update={"lightgcn": lightgcn})
