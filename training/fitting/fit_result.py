"""The result of a fit, and its progress, which checkpoints store."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from numpy.typing import NDArray

from bitrecall.training.model.method import Embeddings, EmbeddingTables


@dataclass
class Progress:
    """State of the fit loop besides the method's own; checkpoints store it.

    Attributes:
        seconds: time spent in steps, over all runs since the start.
        loss: mean loss of the completed steps of the current epoch, or of the last epoch.
        history: one record per epoch: epoch, loss, seconds, metrics.
        epochs: number of epochs of the schedule, if it was chosen by time; 0 is the recipe's.
        best_epoch: the epoch of the best validation metric; 0 without validation.
        best_metrics: its metrics.
        ranker_models: the ranker of a learned teacher; empty without one.
        recency: how codes depend on the order of items, chosen on validation: the fields of
            ``bitrecall.index.releases.recency.Recency``; None if they do not.
        repeats: which place own items take, measured on validation: the fields of
            ``bitrecall.index.releases.repeats.Repeats``; None if they have none of their own.
        scorers: the fields of its ``ScorerReport``; empty if this fit did not fit a ranker.
    """

    seconds: float = 0.0
    loss: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    epochs: int = 0
    best_epoch: int = 0
    best_metrics: dict[str, float] = field(default_factory=dict)
    ranker_models: list[str] = field(default_factory=list)
    recency: dict[str, Any] | None = None
    repeats: dict[str, Any] | None = None
    scorers: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class FitResult:
    """A finished fit.

    Attributes:
        embeddings: embeddings of the best epoch, or of the last without validation.
        progress: epochs, losses and metrics of the fit.
        free: embedding tables that a later training can start from, by name, in the same rows.
    """

    embeddings: Embeddings
    progress: Progress
    free: dict[str, EmbeddingTables] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Number of epochs that the embeddings were trained for."""
        return self.progress.best_epoch or len(self.progress.history)

    def with_items(self, rows: NDArray[Any]) -> FitResult:
        """Reorder the items: item ``rows[r]`` moves to row r.

        Args:
            rows: int64 (n,), a permutation of the item rows.
        """
        index = torch.from_numpy(rows)
        free = {
            name: EmbeddingTables(tables.users, tables.items[index.to(tables.items.device)])
            for name, tables in self.free.items()
        }
        return replace(self, embeddings=self.embeddings.with_items(index), free=free)
