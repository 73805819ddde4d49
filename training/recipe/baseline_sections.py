"""Recipe sections of the baselines; the module of each method explains its settings."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bitrecall.training.recipe.section import Section


class PairwiseRecipe(Section):
    """Keys shared by the methods trained on sampled pairs."""

    batch_pairs: int = Field(
        65_536,
        ge=1,
        le=4_194_304,
        description="training pairs per step; each step costs one propagation",
    )
    negatives: int = Field(
        1,
        ge=1,
        le=64,
        description="items sampled uniformly per pair, among those that the user does not have",
    )
    regularisation: float = Field(
        1e-4,
        ge=0,
        description="L2 penalty: times half the squared embeddings of a pair and its negatives",
    )
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="learning rate schedule over the epochs"
    )
    start_scale: float = Field(0.1, gt=0, description="root mean square of the initial embeddings")
    span: float = Field(
        10.0,
        gt=0,
        description="largest score of two codes in the loss: scores of f bits are multiplied by "
        "span / f",
    )


class LightGCNRecipe(Section):
    """LightGCN in full precision (``bitrecall.training.baselines.lightgcn``)."""

    dimensions: int = Field(64, ge=1, le=4096, description="embedding dimensions")


class BGCHRecipe(Section):
    """BGCH (``bitrecall.training.baselines.bgch``)."""

    form: Literal["hamming", "weighted"] = Field(
        "hamming",
        description="one code of `bits` in plain Hamming space; or, as published, `bits` per "
        "layer with a real scaler per node and layer, which Hamming search cannot "
        "serve",
    )
    harmonics: int = Field(
        8, ge=2, description="the Fourier series of the sign has the odd harmonics below this"
    )
    width: float = Field(1.0, gt=0, description="angular frequency of the first harmonic")
    reconstruction: float = Field(1.0, ge=0, description="weight of the reconstruction loss")
    dispersion: float = Field(
        0.1,
        ge=0,
        le=1,
        description="share of the leading direction that is removed from the embeddings",
    )


class HashGNNRecipe(Section):
    """HashGNN (``bitrecall.training.baselines.hashgnn``)."""

    dimensions: int = Field(64, ge=1, le=4096, description="width of the graph encoder's layers")
    cross_entropy: float = Field(
        0.1,
        ge=0,
        description="weight of the graph reconstruction loss relative to the ranking loss",
    )
    guided: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of the schedule over which the proportion of codes (against real "
        "values) rises from 0 to 1",
    )


class HashRecRecipe(Section):
    """HashRec (``bitrecall.training.baselines.hashrec``)."""

    steepest: float = Field(
        31.5, ge=1, description="β of tanh(βx) at the end; its square rises evenly from 1"
    )
