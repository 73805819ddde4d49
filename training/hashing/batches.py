"""What one step of training looks at: a batch of users, its graph, and the pairs to rank."""

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
        positives: the pairs whose ranks count, users as positions in the batch.
        excluded: the batch's pairs that take no part in the ranking, as training items take none
            at test time; None where the loss ranks the whole catalogue.
        weights: float32 (p,), the weight of each positive; over all processes they sum to 1.
    """

    users: Tensor
    graph: NormalisedGraph
    positives: Pairs
    excluded: Pairs | None
    weights: Tensor


class Batches(ABC):
    """The batches of an epoch, each a function of the seed, the epoch and the step alone.

    So an interrupted training needs no generator's state to go on to the same result.

    Args:
        edges: the training pairs, of this process's users.
        degrees: int64 (m,), pairs of each user, those of other processes included.
        size: users a batch, over all processes.
        seed: seeds every draw.
        group: the processes; every one takes its own users of each batch.
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
        """The graph of all pairs."""
        return self._full

    def __len__(self) -> int:
        """Steps in an epoch."""
        return -(-len(self._active) // self._size)

    @abstractmethod
    def batch(self, epoch: int, step: int) -> Batch:
        """The batch of a step; epochs and steps count from 0."""

    def sample(self, n_items: int, head: int, size: int, epoch: int, step: int) -> Sample | None:
        """Draw items for a step: the first ``head`` rows and ``size`` of the others.

        None where that would be the whole catalogue.
        """
        if head + size >= n_items:
            return None
        drawn = torch.randperm(n_items - head, generator=self.generator(epoch, step, 1))[:size]
        return Sample(head, (head + drawn.sort().values).to(self._edges.users.device))

    def generator(self, *position: int) -> torch.Generator:
        """A generator on the CPU for one purpose at one position of the schedule."""
        state = np.random.SeedSequence([self._seed, *position]).generate_state(2)
        return torch.Generator().manual_seed(int(state[0]) << 31 ^ int(state[1]))

    def _users(self, epoch: int, step: int) -> Tensor:
        """The users of a step, in the rows that their pairs have here."""
        users = self._everybody(epoch, step)
        own = users[users % self._group.size == self._group.rank]
        return (own // self._group.size).to(self._edges.users.device)

    def _everybody(self, epoch: int, step: int) -> Tensor:
        """The users of a step, those of other processes included, in the rows of all."""
        order = torch.randperm(len(self._active), generator=self.generator(epoch))
        return self._active[order[step * self._size : (step + 1) * self._size]]

    def _pairs(self, users: Tensor, edges: Tensor) -> Pairs:
        """Edges of a batch's users as pairs of the batch."""
        position = torch.empty(self._edges.n_users, dtype=torch.int64, device=users.device)
        position[users] = torch.arange(len(users), device=users.device)
        return Pairs(position[self._edges.users[edges]], self._edges.items[edges])
