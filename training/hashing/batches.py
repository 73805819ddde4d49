"""The input of a training step: a batch of users, its graph, and the pairs to rank."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bitrecall.training.model.graph import EdgeList, NormalisedGraph
from bitrecall.training.model.losses.pairs import Pairs, Sample
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup


@dataclass(frozen=True)
class Batch:
    """One step's users and pairs.

    Attributes:
        users: int64 (b,), user rows.
        graph: the graph to propagate over.
        positives: the pairs to rank high, users as positions in the batch.
        excluded: pairs of the batch that are left out of the ranking, as training items are in
            evaluation; None if the loss ranks the whole catalogue.
        weights: float32 (p,), weight of each positive; the sum over all processes is 1.
    """

    users: Tensor
    graph: NormalisedGraph
    positives: Pairs
    excluded: Pairs | None
    weights: Tensor


class Batches(ABC):
    """The batches of an epoch; each depends only on the seed, the epoch and the step.

    An interrupted training can therefore resume without the state of a random generator.

    Args:
        edges: the training pairs of this process's users.
        degrees: int64 (m,), number of pairs of each user of all processes.
        size: number of users per batch, over all processes.
        seed: seed of all random draws.
        group: the processes; each takes its local users of every batch.
    """

    def __init__(
        self,
        edges: EdgeList,
        degrees: Tensor,
        *,
        size: int,
        seed: int,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        self._edges = edges
        self._degrees = degrees.cpu()
        self._size = size
        self._seed = seed
        self._group = group
        self._active = torch.nonzero(self._degrees).flatten()
        self._full = edges.graph()

    @property
    def full_graph(self) -> NormalisedGraph:
        """The graph of all training pairs."""
        return self._full

    def __len__(self) -> int:
        """Return the number of steps per epoch."""
        return -(-len(self._active) // self._size)

    @abstractmethod
    def batch(self, epoch: int, step: int) -> Batch:
        """Return the batch of a step; epochs and steps count from 0."""

    def sample(self, n_items: int, head: int, size: int, epoch: int, step: int) -> Sample | None:
        """Draw items for a step: the first ``head`` rows and ``size`` random other rows.

        Returns None if that would be the whole catalogue.
        """
        if head + size >= n_items:
            return None
        drawn = torch.randperm(n_items - head, generator=self.generator(epoch, step, 1))[:size]
        return Sample(head, (head + drawn.sort().values).to(self._edges.users.device))

    def generator(self, *position: int) -> torch.Generator:
        """Return a CPU generator that depends only on the seed and a position in the schedule."""
        state = np.random.SeedSequence([self._seed, *position]).generate_state(2)
        return torch.Generator().manual_seed(int(state[0]) << 31 ^ int(state[1]))

    def _users(self, epoch: int, step: int) -> Tensor:
        """Return the local users of a step, as rows of this process."""
        users = self._all_users(epoch, step)
        local = users[users % self._group.size == self._group.rank]
        return (local // self._group.size).to(self._edges.users.device)

    def _all_users(self, epoch: int, step: int) -> Tensor:
        """Return the users of a step over all processes, as global rows."""
        order = torch.randperm(len(self._active), generator=self.generator(epoch))
        return self._active[order[step * self._size : (step + 1) * self._size]]

    def _pairs(self, users: Tensor, edges: Tensor) -> Pairs:
        """Convert edges of a batch's users to pairs with positions in the batch."""
        position = torch.empty(self._edges.n_users, dtype=torch.int64, device=users.device)
        position[users] = torch.arange(len(users), device=users.device)
        return Pairs(position[self._edges.users[edges]], self._edges.items[edges])
