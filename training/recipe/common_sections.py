"""The common sections of a recipe, with their defaults.

The sections of the teacher and of the baselines are in ``teacher_section`` and
``baseline_sections``.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bitrecall.training.data.split import Cut
from bitrecall.training.recipe.section import Section

Share = Annotated[float, Field(ge=0, lt=1)]


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


class FitRecipe(Section):
    """The optimiser and its schedule."""

    epochs: int = Field(
        40, ge=1, description="passes over all users; the cosine schedule ends here"
    )
    stop_after: int | None = Field(
        None, ge=1, description="stop after this many epochs of the schedule; None runs all"
    )
    batch_users: int = Field(1024, ge=1, le=8192, description="users per batch")
    learning_rate: float = Field(
        0.1,
        gt=0,
        description="Adam's learning rate, for embeddings of mean magnitude 1; cosine schedule",
    )
    epsilon: float = Field(
        1e-16,
        gt=0,
        description="Adam's ε. If a batch has many positives, gradients of rare items are far "
        "below the usual 1e-8, which would then freeze these items",
    )
    weight_decay: float = Field(
        0.0,
        ge=0,
        description="decoupled weight decay (AdamW), times the learning rate per step",
    )
    hidden: Share = Field(
        0.75,
        description="proposed: share of a batch's pairs that are hidden from its graph and "
        "ranked; the others are in the graph and not ranked; 0 keeps all pairs in the "
        "graph and ranks all",
    )

    @property
    def epochs_to_run(self) -> int:
        """Number of epochs of the schedule to run."""
        return self.stop_after or self.epochs


class ValidationRecipe(Section):
    """Early stopping on pairs held out from the training pairs."""

    share: Share = Field(
        0.1, description="share of each user's training pairs held out; 0 for none"
    )
    cut: Cut = Field(
        "random",
        description="which pairs of a user are held out: random ones, or the latest by time, or "
        "else by their order in the files",
    )
    metric: str = Field(
        "recall@50",
        pattern=r"^(recall|ndcg|precision|hit_rate)@[1-9][0-9]*$",
        description="metric that selects the best epoch, at any cut-off",
    )
    patience: int = Field(4, ge=1, description="stop after this many epochs without improvement")
    users: int = Field(
        10_000, ge=1, description="maximum number of users to validate on, sampled at random"
    )
    refit: bool = Field(True, description="train again on all pairs for the best number of epochs")


class ReleaseRecipe(Section):
    """The index and the dtype of a published release."""

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
