"""Recipe section of the encoder."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bitrecall.training.recipe.section import Section


class EncoderRecipe(Section):
    """The encoder, which computes embeddings from free embeddings."""

    name: Literal["lightgcn", "item_sums"] = Field(
        "item_sums",
        description="LightGCN, or only its first layer, for users only: a user is its embedding "
        "plus the sum of its items",
    )
    layers: int = Field(2, ge=0, le=8, description="LightGCN: number of propagation layers, K")
    start: Literal["svd", "random"] = Field(
        "svd",
        description="initial embeddings: truncated SVD of the normalised adjacency, or random",
    )
    start_power: float = Field(
        0.5, ge=0, le=4, description="power of the singular values in the SVD initialisation"
    )
