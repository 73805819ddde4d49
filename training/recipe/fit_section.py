"""Recipe section of the optimiser and its schedule."""

from __future__ import annotations

import math
from typing import Self

from pydantic import Field

from bitrecall.training.recipe.max_bins import MAX_BINS
from bitrecall.training.recipe.section import Section, Share


class FitRecipe(Section):
    """The optimiser and its schedule."""

    epochs: int = Field(
        0,
        ge=0,
        description="passes over all users; the cosine schedule ends here; 0 chooses by the "
        "number of users: 600 steps, at least 12 epochs",
    )
    stop_after: int | None = Field(
        None, ge=1, description="stop after this many epochs of the schedule; None runs all"
    )
    batch_users: int = Field(
        0,
        ge=0,
        le=8192,
        description="users per batch; 0 chooses by the number of users: the power of 2 nearest to "
        "4 times its root, from 32 to 2,048",
    )
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

    def for_users(self, n_users: int, bits: int) -> Self:
        """Return the section with a batch size and epochs for a number of users.

        Each user's embedding is trained once per epoch, and the items' in every step: small data
        needs steps, and large data epochs.

        Args:
            n_users: users with interactions.
            bits: code length, which limits the batch.
        """
        size = self.batch_users
        if not size:
            size = 2 ** round(math.log2(4 * math.sqrt(max(n_users, 1))))
            size = min(max(size, 32), 2048, MAX_BINS // (bits + 1))
        epochs = self.epochs or max(12, math.ceil(600 / max(math.ceil(n_users / size), 1)))
        epochs = max(epochs, self.stop_after or 0)
        return self.model_copy(update={"batch_users": size, "epochs": epochs})
