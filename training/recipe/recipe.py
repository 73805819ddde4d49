"""A recipe: all settings of a training, in one TOML file.

Unknown keys are rejected, so that a misspelt key does not silently train something else. All keys
and their defaults are defined here; a recipe file contains only the values that differ.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Self

from pydantic import Field, model_validator

from bitrecall.training.recipe.baseline_sections import (
    BGCHRecipe,
    HashGNNRecipe,
    HashRecRecipe,
    LightGCNRecipe,
    PairwiseRecipe,
)
from bitrecall.training.recipe.encoder_section import EncoderRecipe
from bitrecall.training.recipe.fit_section import FitRecipe
from bitrecall.training.recipe.loss_section import LossRecipe
from bitrecall.training.recipe.max_bins import MAX_BINS
from bitrecall.training.recipe.method_names import MethodName, Similarity
from bitrecall.training.recipe.release_section import ReleaseRecipe
from bitrecall.training.recipe.section import Section
from bitrecall.training.recipe.sign_section import SignRecipe
from bitrecall.training.recipe.teacher_section import TeacherRecipe
from bitrecall.training.recipe.validation_section import ValidationRecipe

# On validation pairs of ml100k, a third of the epochs gave the quality of a training from scratch.
# With few epochs, that is too little: a user is trained once per epoch, and its list has changed.
_CONTINUED_SHARE = 0.3
_CONTINUED_EPOCHS = 12


class Recipe(Section):
    """Every hyper-parameter of a training, typed and checked."""

    name: str = Field(
        "default",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="name of the recipe, in logs and folders",
    )
    method: MethodName = Field(
        "bitrecall", description="method to train: Bitrecall's codes, or a baseline to compare with"
    )
    bits: int = Field(256, ge=8, le=4096, multiple_of=8, description="code length")
    seed: int = Field(
        0, ge=0, description="seed of the initialisation, the batches and the hidden pairs"
    )
    minutes: float | None = Field(
        None,
        gt=0,
        description="about how long to train: fewer scorers of a learned teacher, and fewer epochs "
        "or up to twice as many; None takes what the other settings need",
    )
    encoder: EncoderRecipe = EncoderRecipe()
    sign: SignRecipe = SignRecipe()
    loss: LossRecipe = LossRecipe()
    fit: FitRecipe = FitRecipe()
    validation: ValidationRecipe = ValidationRecipe()
    release: ReleaseRecipe = ReleaseRecipe()
    teacher: TeacherRecipe = TeacherRecipe()
    pairwise: PairwiseRecipe = PairwiseRecipe()
    bgch: BGCHRecipe = BGCHRecipe()
    hashgnn: HashGNNRecipe = HashGNNRecipe()
    hashrec: HashRecRecipe = HashRecRecipe()
    lightgcn: LightGCNRecipe = LightGCNRecipe()

    @model_validator(mode="after")
    def _check_schedule(self) -> Self:
        if self.fit.epochs and (self.fit.stop_after or 0) > self.fit.epochs:
            raise ValueError(
                f"fit.stop_after ({self.fit.stop_after}) is beyond fit.epochs ({self.fit.epochs}), "
                "where the learning rate has fallen to 0"
            )
        return self

    @model_validator(mode="after")
    def _check_batch(self) -> Self:
        if self.method not in ("bitrecall", "proposed") or not self.loss.name.startswith("smooth"):
            return self
        if self.fit.batch_users * (self.bits + 1) > MAX_BINS:
            raise ValueError(
                f"fit.batch_users times (bits + 1) must be at most {MAX_BINS}: "
                f"at {self.bits} bits, use {MAX_BINS // (self.bits + 1)} users or fewer"
            )
        return self

    @property
    def similarity(self) -> Similarity:
        """Similarity that ranks items; only methods with Hamming distance can be published."""
        weighted = self.method == "bgch" and self.bgch.form == "weighted"
        return "inner_product" if weighted or self.method == "lightgcn" else "hamming"

    @property
    def starts_warm(self) -> bool:
        """Whether the method can start from the embeddings of an earlier training."""
        return self.method in ("bitrecall", "proposed")

    def for_users(self, n_users: int) -> Self:
        """Return the recipe with the batch size and the epochs for a number of users."""
        return self.model_copy(update={"fit": self.fit.for_users(n_users, self.bits)})

    def after_validation(self, best_epoch: int) -> Self:
        """Return the recipe of a training on all pairs that follows the one with validation.

        Methods that can start warm continue from the embeddings of the training with validation.

        Args:
            best_epoch: the best epoch of the training with validation; the schedule of the learning
                rate ends there or, continued, after a share of it.
        """
        epochs = best_epoch
        if self.starts_warm:
            share = math.ceil(best_epoch * _CONTINUED_SHARE)
            epochs = max(share, min(best_epoch, _CONTINUED_EPOCHS))
        fit = self.fit.model_copy(update={"epochs": epochs, "stop_after": None})
        return self.model_copy(update={"fit": fit, "teacher": self.teacher.continued()})

    def trained(self) -> Self:
        """Return the recipe with defaults in what its training does not use."""
        unused: dict[str, Section] = {"release": ReleaseRecipe()}
        if self.method != "bitrecall":
            unused["teacher"] = TeacherRecipe()
        elif self.teacher.discount == "log2":
            power = TeacherRecipe().discount_power
            unused["teacher"] = self.teacher.model_copy(update={"discount_power": power})
        if self.method not in ("bitrecall", "proposed"):
            unused["fit"] = self.fit.model_copy(update={"batch_users": 0})
        return self.model_copy(update=unused)

    def sha256(self) -> str:
        """Hash all values, including defaults, to a hexadecimal fingerprint."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()
