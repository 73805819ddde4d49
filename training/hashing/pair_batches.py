"""Batches that rank observed pairs, as the paper does, with some of them hidden or with none."""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.hashing.batches import Batch, Batches
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.losses.pairs import Pairs
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup


class PairBatches(Batches):
    """Batches whose positives are the users' own pairs.

    With ``hidden`` = 0 this is the paper's plain setting: all pairs are in the graph, and all are
    ranked among the whole catalogue. The pairs to predict are then in the graph that predicts
    them, and codes overfit. With a share hidden, that share of the batch's pairs is taken out of
    the graph and ranked, and the other pairs are left out of the ranking, which is how the codes
    are used: a user's known items are in the graph, and what is asked for is not.

    Args:
        edges: the training pairs, of this process's users.
        degrees: int64 (m,), pairs of each user, those of other processes included.
        size: users a batch, over all processes.
        hidden: share of a batch's pairs that is hidden.
        by_user: whether each user of a batch weighs the same, or each pair; pairs with weights
            count in proportion to these, of the user or of the batch.
        seed: seeds every draw.
        group: the processes.
    """

    def __init__(
        self,
        edges: EdgeList,
        degrees: Tensor,
        *,
        size: int,
        hidden: float,
        by_user: bool,
        seed: int,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        super().__init__(edges, degrees, size=size, seed=seed, group=group)
        self._hidden = hidden
        self._by_user = by_user

    def batch(self, epoch: int, step: int) -> Batch:
        """The batch of a step; epochs and steps count from 0."""
        users = self._users(epoch, step)
        edges = self._edges.edges_of(users)
        if not self._hidden:
            positives = self._pairs(users, edges)
            weights = self._weights(positives, len(users), edges)
            return Batch(users, self._full, positives, None, weights)
        hidden = self._hidden_edges(epoch, step).to(users.device)
        kept = torch.ones(len(self._edges), dtype=torch.bool, device=users.device)
        kept[edges[hidden]] = False
        positives = self._pairs(users, edges[hidden])
        excluded = self._pairs(users, edges[~hidden])
        weights = self._weights(positives, len(users), edges[hidden])
        return Batch(users, self._edges.graph(kept), positives, excluded, weights)

    def _hidden_edges(self, epoch: int, step: int) -> Tensor:
        """Which of the batch's edges are hidden, bool; drawn for all processes in one way."""
        users = self._everybody(epoch, step)
        own = users % self._group.size == self._group.rank
        owned = torch.repeat_interleave(own, self._degrees[users])
        draw = torch.rand(len(owned), generator=self.generator(epoch, step))
        return draw[owned] < self._hidden

    def _weights(self, positives: Pairs, n_users: int, edges: Tensor) -> Tensor:
        if self._edges.weights is not None:
            return self._own_weights(positives, n_users, self._edges.weights[edges].double())
        if not self._by_user:
            count = self._group.sum(torch.tensor(len(positives.users)))
            size, each = (len(positives.users),), 1 / max(int(count), 1)
            return torch.full(size, each, device=positives.users.device)
        counts = torch.bincount(positives.users, minlength=n_users)
        asked = int(self._group.sum((counts > 0).sum()))
        return 1.0 / (counts[positives.users] * max(asked, 1)).float()

    def _own_weights(self, positives: Pairs, n_users: int, own: Tensor) -> Tensor:
        """Weights in proportion to those of the pairs, ``own`` (p,), in the batch or per user."""
        if not self._by_user:
            return (own / self._group.sum(own.sum())).float()
        sums = torch.bincount(positives.users, own, minlength=n_users)
        asked = int(self._group.sum((sums > 0).sum()))
        return (own / (sums[positives.users] * max(asked, 1))).float()
