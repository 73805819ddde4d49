"""Sample pairs for a pairwise loss, with negative items that their users do not have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bitrecall.training.errors import TrainingError
from bitrecall.training.model.graph import EdgeList


@dataclass(frozen=True)
class PairBatch:
    """The pairs of a step, ordered by user.

    Attributes:
        users: int64 (b,), user rows.
        items: int64 (b, 1 + q): an item of each user, and q items that the user has no training
            pair with.
        weights: float32 (b,), weights of the pairs divided by their mean in the batch; None weights
            all alike.
    """

    users: Tensor
    items: Tensor
    weights: Tensor | None = None

    @property
    def positives(self) -> Tensor:
        """An item of each user, int64 (b,)."""
        return self.items[:, 0]

    @property
    def negatives(self) -> Tensor:
        """Items that the user has no training pair with, int64 (b, q)."""
        return self.items[:, 1:]


class PairSampler:
    """Samples every pair once per epoch in random order, with uniformly drawn negatives.

    A batch depends only on the seed, the epoch and the step. Pairs of a user who has every item are
    left out, because no item can be ranked below them.

    Args:
        edges: the training pairs.
        size: number of pairs per step.
        negatives: q, number of items drawn for each pair.
        seed: seed of the order and the draws.

    Raises:
        TrainingError: every user has every item.
    """

    def __init__(self, edges: EdgeList, *, size: int, negatives: int, seed: int) -> None:
        self._edges = edges
        self._size = size
        self._negatives = negatives
        self._seed = seed
        device = edges.users.device
        starts = edges.user_starts
        self._missing = edges.n_items - (starts[1:] - starts[:-1])
        self._pairs = torch.nonzero(self._missing[edges.users]).flatten()
        if not len(self._pairs):
            raise TrainingError("every user has every item: no item can be ranked below them")
        # The r-th item that a user does not have is r plus the number of the user's items
        # i_0 < i_1 < … with i_j − j ≤ r. Offset by user, these form one sorted array for all users.
        place = torch.arange(len(edges), device=device) - starts[edges.users]
        self._shifted = edges.users * edges.n_items + edges.items - place
        self._order: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        """Return the number of steps per epoch."""
        return -(-len(self._pairs) // self._size)

    def batch(self, epoch: int, step: int) -> PairBatch:
        """Return the batch of a step; epochs and steps count from 0."""
        chosen = self._epoch_order(epoch)[step * self._size : (step + 1) * self._size]
        # Sorted by user, so that products along the pairs read the users' rows in order.
        pairs = self._pairs[chosen.to(self._pairs.device)].sort().values
        users = self._edges.users[pairs]
        generator = self._generator(epoch, step)
        draws = torch.rand(len(users), self._negatives, dtype=torch.float64, generator=generator)
        items = users.new_empty(len(users), 1 + self._negatives)
        items[:, 0] = self._edges.items[pairs]
        items[:, 1:] = self._absent(users, draws.to(users.device))
        if self._edges.weights is None:
            return PairBatch(users, items)
        weights = self._edges.weights[pairs]
        return PairBatch(users, items, weights / weights.mean())

    def _absent(self, users: Tensor, draws: Tensor) -> Tensor:
        ranks = (draws * self._missing[users][:, None]).long()
        keys = users[:, None] * self._edges.n_items + ranks
        before = torch.searchsorted(self._shifted, keys, right=True)
        return ranks + before - self._edges.user_starts[users][:, None]

    def _epoch_order(self, epoch: int) -> Tensor:
        if self._order is None or self._order[0] != epoch:
            order = torch.randperm(len(self._pairs), generator=self._generator(epoch))
            self._order = (epoch, order)
        return self._order[1]

    def _generator(self, *position: int) -> torch.Generator:
        return generator_at(self._seed, *position)


def generator_at(seed: int, *position: int) -> torch.Generator:
    """Return a generator that depends only on the seed and a position in the schedule."""
    state = np.random.SeedSequence([seed, *position]).generate_state(2)
    return torch.Generator().manual_seed(int(state[0]) << 31 ^ int(state[1]))
