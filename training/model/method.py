"""What every method of training has in common: what it yields, and what drives it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from bitrecall.training.recipe.method_names import Similarity


@dataclass(frozen=True)
class Embeddings:
    """What a trained encoder yields on the graph of all training pairs.

    Attributes:
        users: float32 (m, f), propagated and averaged; their signs are the users' codes.
        items: float32 (n, f), likewise for items.
        item_layers: K + 1 tensors float32 (n, f), items after each layer, the free ones first.
        similarity: by what items are ranked for a user: the Hamming distance of the codes, as
            a release is served, or the inner product of the floats themselves, which no release
            holds; f need then not be the length of a code.
    """

    users: Tensor
    items: Tensor
    item_layers: list[Tensor]
    similarity: Similarity = "hamming"

    def with_items(self, rows: Tensor) -> Embeddings:
        """The same embeddings with item ``rows[r]`` at row r; int64 (n,)."""
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
    """A training that the fit loop drives, step by step.

    A step is a function of the seed, the epoch, the step and the state alone, so an interrupted
    training goes on to the same result.

    Attributes:
        epoch: whole epochs done.
        step: steps done of the epoch under way.
    """

    epoch: int
    step: int

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
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

    def free(self) -> dict[str, EmbeddingTables]:
        """Copies of what a later training may start from, by name; none where it cannot."""
        ...

    def state(self) -> dict[str, Tensor]:
        """Everything needed to go on, beside epoch and step, by name.

        Tensors are float32, int32 or int64.
        """
        ...

    def load(self, state: dict[str, Tensor], *, epoch: int, step: int) -> None:
        """Go on from a saved state and position."""
        ...

    def parameters(self) -> dict[str, Tensor]:
        """What ``embeddings`` depends on, by name: detached copies that later steps leave alone."""
        ...

    def restore(self, parameters: dict[str, Tensor]) -> None:
        """Take up ``parameters`` again; only ``embeddings`` has a meaning afterwards."""
        ...
