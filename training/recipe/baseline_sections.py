"""Recipe sections of the rival methods; what each means is said in the method's own module."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bitrecall.training.recipe.section import Section


class PairwiseRecipe(Section):
    """Keys shared by the methods trained on sampled pairs."""

    batch_pairs: int = Field(
        65_536, ge=1, le=4_194_304, description="training pairs a step; each costs one propagation"
    )
    negatives: int = Field(
        1, ge=1, le=64, description="items drawn for each pair, uniformly, that the user has not"
    )
    regularisation: float = Field(
        1e-4, ge=0, description="times half the squared free embeddings of a pair and its negatives"
    )
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="the learning rate's course over the epochs"
    )
    start_scale: float = Field(
        0.1, gt=0, description="root mean square of the first free embeddings"
    )
    span: float = Field(
        10.0,
        gt=0,
        description="what the loss makes of the largest score of two codes: scores of f bits are "
        "multiplied by span / f",
    )


class LightGCNRecipe(Section):
    """LightGCN in full precision (``bitrecall.training.baselines.lightgcn``)."""

    dimensions: int = Field(64, ge=1, le=4096, description="floats a node")


class BGCHRecipe(Section):
    """BGCH (``bitrecall.training.baselines.bgch``)."""

    form: Literal["hamming", "weighted"] = Field(
        "hamming",
        description="one code of `bits` in plain Hamming space, or, as published, `bits` for each "
        "layer with a real scaler for each node and layer, which Hamming search cannot serve",
    )
    harmonics: int = Field(
        8, ge=2, description="the sign's Fourier series has the odd harmonics below this"
    )
    width: float = Field(1.0, gt=0, description="angular frequency of the series' first harmonic")
    reconstruction: float = Field(1.0, ge=0, description="weight of the reconstruction loss")
    dispersion: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the leading direction taken out of the free embeddings",
    )


class HashGNNRecipe(Section):
    """HashGNN (``bitrecall.training.baselines.hashgnn``)."""

    dimensions: int = Field(64, ge=1, le=4096, description="width of the graph encoder's layers")
    cross_entropy: float = Field(
        0.1, ge=0, description="weight of the loss that reconstructs the graph, beside the ranking"
    )
    guided: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of the schedule in which the share of codes, the rest being real "
        "values, rises from 0 to 1",
    )


class HashRecRecipe(Section):
    """HashRec (``bitrecall.training.baselines.hashrec``)."""

    steepest: float = Field(
        31.5, ge=1, description="β of tanh(βx) at the end; its square rises evenly from 1"
    )
