"""Shared training of the methods with a loss on sampled pairs.

The methods differ in their embeddings and in their loss. A propagation costs the same for any batch
size. Batches are therefore large: tens of thousands of pairs, compared with a few thousand in
public code. The learning rate is larger accordingly.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from bitrecall.training.baselines.pair_sampler import PairBatch, PairSampler
from bitrecall.training.model.gradient_method import GradientMethod, ModelT
from bitrecall.training.model.graph import EdgeList, NormalisedGraph
from bitrecall.training.model.initialisation import random_start, spectral_start
from bitrecall.training.recipe.recipe import Recipe


class PairwiseTrainer(GradientMethod[ModelT]):
    """A ``Method`` that trains on sampled pairs; subclasses define embeddings and loss.

    Args:
        edges: the training pairs; training runs on their device.
        recipe: all hyper-parameters.
        start: whether to compute the initial embeddings; False if a state will be loaded.

    Attributes:
        model: module with all trained parameters.
        graph: graph of all training pairs.
    """

    def __init__(self, edges: EdgeList, recipe: Recipe, *, start: bool = True) -> None:
        super().__init__(recipe)
        self.graph: NormalisedGraph = edges.graph()
        self._edges = edges
        self._sampler = PairSampler(
            edges,
            size=recipe.pairwise.batch_pairs,
            negatives=recipe.pairwise.negatives,
            seed=recipe.seed,
        )
        self._set_model(self._create(start=start).to(edges.users.device))

    @abstractmethod
    def _create(self, *, start: bool) -> ModelT:
        """Create the initial parameters; with ``start`` False their values are replaced later."""

    @abstractmethod
    def _loss(self, batch: PairBatch) -> Tensor:
        """Return the loss of a batch, a scalar."""

    @property
    def steps(self) -> int:
        """Number of steps per epoch."""
        return len(self._sampler)

    def _loss_of_step(self) -> Tensor:
        return self._loss(self._sampler.batch(self.epoch, self.step))

    def _first_embeddings(self, size: int, *, start: bool) -> tuple[Tensor, Tensor]:
        """Return the initial free embeddings, float32 (m, size) and (n, size)."""
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
        """Return the L2 term of LightGCN's public code: free embeddings of the batch's pairs."""
        user_counts = torch.bincount(batch.users, minlength=len(users)).float()
        item_counts = torch.bincount(batch.items.flatten(), minlength=len(items)).float()
        squares = user_counts @ users.square().sum(1) + item_counts @ items.square().sum(1)
        return self.recipe.pairwise.regularisation * 0.5 * squares / len(batch.users)

    def _learning_rate(self) -> float:
        if self.recipe.pairwise.schedule == "constant":
            return self.recipe.fit.learning_rate
        return super()._learning_rate()
