"""Recipe section of the release."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bitrecall.training.recipe.section import Section


class ReleaseRecipe(Section):
    """The index, the dtype, the recency and the repeats of a published release."""

    index: Literal["auto", "flat", "hnsw", "ivf"] = Field(
        "auto", description="search backend; auto scans while that is fastest, and else uses ivf"
    )
    recall: float = Field(
        0.98,
        gt=0,
        le=1,
        description="share of the true nearest 100 items that hnsw and ivf must find",
    )
    embeddings: Literal["float16", "float32"] = Field(
        "float16", description="dtype of the stored user embeddings and item messages"
    )
    recency: Literal["auto", "off"] = Field(
        "auto",
        description="auto chooses on validation how much more a user's newest items count for the "
        "code, if validation holds out the latest interactions; off counts all items alike",
    )
    repeats: Literal["auto", "off"] = Field(
        "auto",
        description="auto measures on validation how often users take their own items again, and "
        "lists these by it if exclude_seen is off, if validation holds out the latest interactions "
        "and this finds more of them; off lists the nearest codes",
    )
