"""The training that methods with a loss on sampled pairs share.

They differ in how they embed and in what they make of the pairs' scores. A propagation costs the
same whatever the batch, so batches are large, tens of thousands of pairs where public code takes
a few thousand, and the learning rate is larger in turn.
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
        """The parameters before the first step; with ``start`` False their values do not count."""

    @abstractmethod
    def _loss(self, batch: PairBatch) -> Tensor:
        """The loss of a batch, a scalar."""

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return len(self._sampler)

    def _loss_of_step(self) -> Tensor:
        return self._loss(self._sampler.batch(self.epoch, self.step))

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

    def _learning_rate(self) -> float:
        if self.recipe.pairwise.schedule == "constant":
            return self.recipe.fit.learning_rate
        return super()._learning_rate()
