"""The interface of a training method, and the embeddings that it produces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from bitrecall.training.recipe.method_names import Similarity


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of a trained encoder on the graph of all training pairs.

    Attributes:
        users: float32 (m, f), propagated and averaged; their signs are the users' codes.
        items: float32 (n, f), likewise for items.
        item_layers: K + 1 tensors float32 (n, f), items after each layer, starting with the free
            embeddings.
        similarity: how items are ranked for a user: by the Hamming distance of the codes, as in
            a release, or by the inner product of the floats. Releases do not support the latter,
            and f need not be a valid code length then.
    """

    users: Tensor
    items: Tensor
    item_layers: list[Tensor]
    similarity: Similarity = "hamming"

    def with_items(self, rows: Tensor) -> Embeddings:
        """Reorder the items: item ``rows[r]`` moves to row r; ``rows`` is int64 (n,)."""
        rows = rows.to(self.items.device)
        return replace(
            self,
            items=self.items[rows],
            item_layers=[layer[rows] for layer in self.item_layers],
        )


class EmbeddingTables(NamedTuple):
    """Free embeddings: ``users`` float32 (m, d), ``items`` float32 (n, d)."""

    users: Tensor
    items: Tensor


class Method(Protocol):
    """A training method that the fit loop runs step by step.

    A step depends only on the seed, the epoch, the step number and the state, so a resumed
    training has the same result as an uninterrupted one.

    Attributes:
        epoch: number of completed epochs.
        step: number of completed steps of the current epoch.
        ranker_models: the ranker of a learned teacher, in LightGBM's text form; empty without one.
        scorers: the reports of a learned teacher's scorers (kind, seconds, added, used); empty if
            no ranker was fitted.
    """

    epoch: int
    step: int
    ranker_models: tuple[str, ...]
    scorers: tuple[Mapping[str, Any], ...]

    @property
    def steps(self) -> int:
        """Number of steps per epoch."""
        ...

    def advance(self) -> float:
        """Take one step.

        Returns:
            The loss before the step.

        Raises:
            DivergedError: the loss is no longer a finite number; nothing was updated.
        """
        ...

    def embeddings(self) -> Embeddings:
        """Embed all users and items on the graph of all training pairs, without gradients."""
        ...

    def embedding_tables(self) -> dict[str, EmbeddingTables]:
        """Copy the tables that a later training can start from, by name; empty if it cannot."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Return the tensors needed to resume, by name; epoch and step are separate.

        Tensors are float32, int32 or int64.
        """
        ...

    def load(self, state: dict[str, Tensor], *, epoch: int, step: int) -> None:
        """Resume from a saved state and position."""
        ...

    def set_epochs(self, epochs: int) -> None:
        """Change the number of epochs at which the schedule of the learning rate ends."""
        ...

    def parameters(self) -> dict[str, Tensor]:
        """Copy the tensors that ``embeddings`` depends on, by name, detached from later steps."""
        ...

    def restore(self, parameters: dict[str, Tensor]) -> None:
        """Set ``parameters`` again; afterwards, only ``embeddings`` may be called."""
        ...
