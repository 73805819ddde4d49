"""Batches that rank observed pairs, as the paper does, with some of them hidden or with none."""

from __future__ import annotations

import torch
from torch import Tensor

from training.batches import Batch, Batches
from training.graph import EdgeList
from training.losses.pairs import Pairs


class PairBatches(Batches):
    """Batches whose positives are the users' own pairs.

    With ``hidden`` = 0 this is the paper's plain setting: all pairs are in the graph, and all are
    ranked among the whole catalogue. The pairs to predict are then in the graph that predicts
    them, and codes overfit. With a share hidden, that share of the batch's pairs is taken out of
    the graph and ranked, and the other pairs are left out of the ranking, which is how the codes
    are used: a user's known items are in the graph, and what is asked for is not.

    Args:
        edges: the training pairs.
        size: users a batch.
        hidden: share of a batch's pairs that is hidden.
        by_user: whether each user of a batch weighs the same, or each pair.
        seed: seeds every draw.
    """

    def __init__(
        self, edges: EdgeList, *, size: int, hidden: float, by_user: bool, seed: int
    ) -> None:
        super().__init__(edges, size=size, seed=seed)
        self._hidden = hidden
        self._by_user = by_user

    def batch(self, epoch: int, step: int) -> Batch:
        """The batch of a step; epochs and steps count from 0."""
        users = self._users(epoch, step)
        edges = self._edges.edges_of(users)
        if not self._hidden:
            positives = self._pairs(users, edges)
            return Batch(users, self._full, positives, None, self._weights(positives, len(users)))
        draw = torch.rand(len(edges), generator=self.generator(epoch, step)).to(users.device)
        hidden = draw < self._hidden
        kept = torch.ones(len(self._edges), dtype=torch.bool, device=users.device)
        kept[edges[hidden]] = False
        positives = self._pairs(users, edges[hidden])
        excluded = self._pairs(users, edges[~hidden])
        weights = self._weights(positives, len(users))
        return Batch(users, self._edges.graph(kept), positives, excluded, weights)

    def _weights(self, positives: Pairs, n_users: int) -> Tensor:
        if not self._by_user:
            size = (len(positives.users),)
            return torch.full(size, 1 / max(size[0], 1), device=positives.users.device)
        counts = torch.bincount(positives.users, minlength=n_users)
        asked = int((counts > 0).sum())
        return 1.0 / (counts[positives.users] * max(asked, 1)).float()
