"""Recipe section of the teacher; what each part is, is said in the module that computes it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bitrecall.training.recipe.section import Section


class TeacherLightGCNRecipe(Section):
    """LightGCN in floats, blended into the teacher (see ``teacher.lightgcn_scorer``)."""

    weight: float = Field(
        0.0,
        ge=0,
        description="weight of its scores beside the closed form's 1, each over its root mean "
        "square; 0 trains none",
    )
    dimensions: int = Field(64, ge=1, le=4096, description="floats a node")
    layers: int = Field(3, ge=0, le=8, description="K, how many times embeddings are propagated")
    epochs: int = Field(50, ge=1, description="passes over all pairs; the cosine ends here")
    learning_rate: float = Field(0.05, gt=0, description="Adam's; falls by a cosine")
    regularisation: float = Field(
        1e-3, ge=0, description="times half the squared free embeddings of a pair and its negative"
    )
    batch_pairs: int = Field(65_536, ge=1, le=4_194_304, description="training pairs a step")


class TeacherRecipe(Section):
    """A teacher and the lists that it gives (``bitrecall.training.teacher``)."""

    kind: Literal["filter", "ease"] = Field(
        "filter", description="a graph filter (GF-CF's kind), or EASE"
    )
    length: int = Field(100, ge=1, le=10_000, description="unseen items a user's list holds")
    discount: Literal["score", "rank", "log2"] = Field(
        "score",
        description="weight of a listed item: its score to the power discount_power, 0 below a "
        "score of 0; its rank to the power -discount_power; or 1 / log2(1 + its rank)",
    )
    discount_power: float = Field(
        2.0,
        ge=0,
        description="how fast weights fall, best as fast as the teacher's hits do; 0 weighs all "
        "alike",
    )
    pairs: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of each user's weight that its training pairs get; the list has the "
        "rest",
    )
    user_power: float = Field(
        0.3, ge=0, le=1, description="filter: a pair is divided by its user's degree to this power"
    )
    item_power: float = Field(
        0.4, ge=0, le=1, description="filter: and by its item's degree to this power"
    )
    neighbours: int = Field(
        0,
        ge=0,
        description="filter: keep each item's strongest neighbours only, this many; 0 keeps all",
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
        description="filter: weight of the low-pass part beside the linear one's 1, each over its "
        "root mean square",
    )
    low_pass_power: float = Field(
        0.6,
        ge=0,
        le=1,
        description="filter: the low-pass part divides by item degrees to this power before, and "
        "multiplies by them after",
    )
    sharpen: float = Field(
        0.2, ge=0, description="filter: weight of the twice filtered scores, which are taken away"
    )
    regularisation: float = Field(
        500.0, gt=0, description="EASE: what is added to the Gram matrix's diagonal"
    )
    ease_rank: int = Field(
        0, ge=0, le=8192, description="EASE: truncate the Gram matrix to this rank; 0 is exact"
    )
    lightgcn: TeacherLightGCNRecipe = TeacherLightGCNRecipe()  # type: ignore[call-arg]
