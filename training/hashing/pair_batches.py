"""Batches that rank observed pairs, as in the paper, optionally with some pairs hidden."""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.hashing.batches import Batch, Batches
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.losses.pairs import Pairs
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup


class PairBatches(Batches):
    """Batches whose positives are training pairs of the users.

    With ``hidden`` = 0 this is the setting of the paper: all pairs are in the graph, and all are
    ranked among the whole catalogue. The graph then contains the pairs that it predicts, and codes
    overfit. With ``hidden`` > 0, that share of the batch's pairs is removed from the graph and
    ranked, and the other pairs are left out of the ranking. This is how codes are used: the graph
    contains the known items of a user, but not the items to recommend.

    Args:
        edges: the training pairs of this process's users.
        degrees: int64 (m,), number of pairs of each user of all processes.
        size: number of users per batch, over all processes.
        hidden: share of a batch's pairs that are hidden.
        by_user: whether all users of a batch have the same total weight, or all pairs the same
            weight. Weights of pairs apply within the user, or within the batch.
        seed: seed of all random draws.
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
        """Return the batch of a step; epochs and steps count from 0."""
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
        """Draw which of the batch's local edges are hidden, bool.

        All processes draw the same numbers, so that the result does not depend on their number.
        """
        users = self._all_users(epoch, step)
        is_local = users % self._group.size == self._group.rank
        is_local_edge = torch.repeat_interleave(is_local, self._degrees[users])
        draw = torch.rand(len(is_local_edge), generator=self.generator(epoch, step))
        return draw[is_local_edge] < self._hidden

    def _weights(self, positives: Pairs, n_users: int, edges: Tensor) -> Tensor:
        if self._edges.weights is not None:
            pair_weights = self._edges.weights[edges].double()
            return self._proportional_weights(positives, n_users, pair_weights)
        if not self._by_user:
            count = self._group.sum(torch.tensor(len(positives.users)))
            size, weight = (len(positives.users),), 1 / max(int(count), 1)
            return torch.full(size, weight, device=positives.users.device)
        counts = torch.bincount(positives.users, minlength=n_users)
        active_users = int(self._group.sum((counts > 0).sum()))
        return 1.0 / (counts[positives.users] * max(active_users, 1)).float()

    def _proportional_weights(self, positives: Pairs, n_users: int, pair_weights: Tensor) -> Tensor:
        """Scale ``pair_weights`` (p,) to a sum of 1 over the batch, or to equal sums per user."""
        if not self._by_user:
            return (pair_weights / self._group.sum(pair_weights.sum())).float()
        sums = torch.bincount(positives.users, pair_weights, minlength=n_users)
        active_users = int(self._group.sum((sums > 0).sum()))
        return (pair_weights / (sums[positives.users] * max(active_users, 1))).float()
