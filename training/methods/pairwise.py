"""The training that methods with a loss on sampled pairs share.

They differ in how they embed and in what they make of the pairs' scores. A propagation costs the
same whatever the batch, so batches are large, tens of thousands of pairs where public code takes
a few thousand, and the learning rate is larger in turn.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from training.errors import DivergedError
from training.graph import EdgeList, NormalisedGraph
from training.methods.base import Embeddings
from training.methods.pairs import PairBatch, PairSampler
from training.recipe import Recipe
from training.start import random_start, spectral_start

_MOMENTS = ("exp_avg", "exp_avg_sq")

ModelT = TypeVar("ModelT", bound=nn.Module)


class PairwiseTrainer(ABC, Generic[ModelT]):
    """A ``Method`` that steps through sampled pairs; subclasses embed and give the loss.

    Args:
        edges: the training pairs; their device is where the training runs.
        recipe: every hyper-parameter.
        start: whether to compute the initial embeddings; False where a state will be loaded.

    Attributes:
        model: holds every trained parameter.
        graph: of all training pairs.
    """

    def __init__(self, edges: EdgeList, recipe: Recipe, *, start: bool = True) -> None:
        self.recipe = recipe
        self.epoch = 0
        self.step = 0
        self.graph: NormalisedGraph = edges.graph()
        self._edges = edges
        self._sampler = PairSampler(
            edges,
            size=recipe.pairwise.batch_pairs,
            negatives=recipe.pairwise.negatives,
            seed=recipe.seed,
        )
        self.model: ModelT = self._create(start=start).to(edges.users.device)
        self._optimiser = torch.optim.AdamW(
            self.model.parameters(),
            lr=recipe.fit.learning_rate,
            weight_decay=recipe.fit.weight_decay,
            # A mean over so many pairs has gradients not far above the usual 1e-8.
            eps=1e-12,
            fused=True,
        )

    @abstractmethod
    def embeddings(self) -> Embeddings:
        """Embed all users and items, without gradients."""

    @abstractmethod
    def _create(self, *, start: bool) -> ModelT:
        """The parameters before the first step; with ``start`` False their values do not count."""

    @abstractmethod
    def _loss(self, batch: PairBatch) -> Tensor:
        """The loss of a batch, a scalar."""

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return len(self._sampler)

    @property
    def progress(self) -> float:
        """The share of the schedule that is done, from 0 to 1."""
        done = (self.epoch * self.steps + self.step) / (self.recipe.fit.epochs * self.steps)
        return min(done, 1.0)

    def advance(self) -> float:
        """Take one step.

        Returns:
            The loss of the batch before the step.

        Raises:
            DivergedError: the loss or a gradient is no longer finite; nothing was updated.
        """
        loss = self._loss(self._sampler.batch(self.epoch, self.step))
        value = float(loss.item())
        for group in self._optimiser.param_groups:
            group["lr"] = self._learning_rate()
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        # A sign hides a NaN from the loss: ±1 codes always score. Parameters and gradients do not.
        if not math.isfinite(value) or not self._finite():
            raise DivergedError(
                f"the training diverged in epoch {self.epoch + 1}, step {self.step + 1} "
                f"(loss {value}): parameters or gradients are no longer finite; try a smaller "
                f"fit.learning_rate than {self.recipe.fit.learning_rate}"
            )
        self._optimiser.step()
        self.step += 1
        if self.step == self.steps:
            self.epoch, self.step = self.epoch + 1, 0
        return value

    def state(self) -> dict[str, Tensor]:
        """Parameters and Adam's moments, by name, float32; the position is in epoch and step."""
        state = {}
        for name, parameter in self.model.named_parameters():
            state[name] = parameter.detach()
            moments = self._optimiser.state.get(parameter, {})
            state.update({f"{name}.{key}": moments[key] for key in _MOMENTS if key in moments})
        return state

    def load(self, state: dict[str, Tensor], *, epoch: int, step: int) -> None:
        """Go on from a saved state and position."""
        self.epoch, self.step = epoch, step
        self.restore(state)
        taken = epoch * self.steps + step
        if not taken:
            return
        for name, parameter in self.model.named_parameters():
            moments: dict[str, Any] = self._optimiser.state[parameter]
            moments["step"] = torch.tensor(float(taken), device=parameter.device)
            for key in _MOMENTS:
                moments[key] = state[f"{name}.{key}"].clone().to(parameter.device)

    def parameters(self) -> dict[str, Tensor]:
        """Copies of the model's parameters, by name."""
        return {name: value.detach().clone() for name, value in self.model.named_parameters()}

    def restore(self, parameters: dict[str, Tensor]) -> None:
        """Take up the values of ``parameters`` again."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(parameters[name])

    def _first_embeddings(self, size: int, *, start: bool) -> tuple[Tensor, Tensor]:
        """Free embeddings as the recipe starts them: float32 (m, size) and (n, size)."""
        m, n = self._edges.n_users, self._edges.n_items
        if not start:
            return torch.zeros(m, size), torch.zeros(n, size)
        encoder = self.recipe.encoder
        if encoder.start == "svd":
            users, items = spectral_start(self.graph, size, self.recipe.seed, encoder.start_power)
        else:
            users, items = random_start(self.graph, size, self.recipe.seed)
        magnitude = torch.cat([users, items]).square().mean().sqrt().clamp(min=1e-12)
        scale = self.recipe.pairwise.start_scale / magnitude
        return users * scale, items * scale

    def _regularisation(self, users: Tensor, items: Tensor, batch: PairBatch) -> Tensor:
        """LightGCN's L2 term: free embeddings of the batch's pairs, as its public code counts."""
        user_counts = torch.bincount(batch.users, minlength=len(users)).float()
        item_counts = torch.bincount(batch.items.flatten(), minlength=len(items)).float()
        squares = user_counts @ users.square().sum(1) + item_counts @ items.square().sum(1)
        return self.recipe.pairwise.regularisation * 0.5 * squares / len(batch.users)

    def _finite(self) -> bool:
        total = torch.zeros((), device=self._edges.users.device)
        for parameter in self.model.parameters():
            total = total + parameter.detach().sum()
            if parameter.grad is not None:
                total = total + parameter.grad.sum()
        return bool(torch.isfinite(total))

    def _learning_rate(self) -> float:
        highest = self.recipe.fit.learning_rate
        if self.recipe.pairwise.schedule == "constant":
            return highest
        return highest * 0.5 * (1 + math.cos(math.pi * self.progress))
