"""What one step of training looks at: a batch of users, its graph, and the pairs to rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.graph import EdgeList, NormalisedGraph
from training.losses.smooth_recall import Pairs


@dataclass(frozen=True)
class Batch:
    """One step's users and pairs.

    Attributes:
        users: int64 (b,), user rows.
        graph: the graph to propagate over.
        positives: the pairs whose ranks count, users as positions in the batch.
        excluded: the batch's other training pairs, which take no part in the ranking; None
            where nothing is hidden, since then the loss ranks the whole catalogue.
        weights: float32 (p,), the weight of each positive; they sum to 1.
    """

    users: Tensor
    graph: NormalisedGraph
    positives: Pairs
    excluded: Pairs | None
    weights: Tensor


class Batches:
    """The batches of an epoch, each a function of the seed, the epoch and the step alone.

    So an interrupted training needs no generator's state to go on to the same result.

    With ``hidden`` = 0 this is the paper's plain setting: all pairs are in the graph, and all are
    ranked among the whole catalogue. The pairs to predict are then in the graph that predicts
    them, and codes overfit. With a share hidden, that share of the batch's pairs is taken out of
    the graph and ranked, and the other pairs are left out of the ranking, which is how the codes
    are used: a user's known items are in the graph, and what is asked for is not.
    """

    def __init__(
        self, edges: EdgeList, *, size: int, hidden: float, by_user: bool, seed: int
    ) -> None:
        self._edges = edges
        self._size = size
        self._hidden = hidden
        self._by_user = by_user
        self._seed = seed
        starts = edges.user_starts
        self._active = torch.nonzero(starts[1:] > starts[:-1]).flatten().cpu()
        self._full = edges.graph()

    @property
    def full_graph(self) -> NormalisedGraph:
        """The graph of all pairs."""
        return self._full

    def __len__(self) -> int:
        """Steps in an epoch."""
        return -(-len(self._active) // self._size)

    def batch(self, epoch: int, step: int) -> Batch:
        """The batch of a step; epochs and steps count from 0."""
        order = torch.randperm(len(self._active), generator=self._generator(epoch))
        chosen = order[step * self._size : (step + 1) * self._size]
        device = self._edges.users.device
        users = self._active[chosen].to(device)
        edges = self._edges.edges_of(users)
        if not self._hidden:
            positives = self._pairs(users, edges)
            return Batch(users, self._full, positives, None, self._weights(positives, len(users)))
        draw = torch.rand(len(edges), generator=self._generator(epoch, step)).to(device)
        hidden = draw < self._hidden
        kept = torch.ones(len(self._edges), dtype=torch.bool, device=device)
        kept[edges[hidden]] = False
        positives = self._pairs(users, edges[hidden])
        excluded = self._pairs(users, edges[~hidden])
        weights = self._weights(positives, len(users))
        return Batch(users, self._edges.graph(kept), positives, excluded, weights)

    def sample_items(self, n_items: int, size: int, epoch: int, step: int) -> Tensor:
        """Draw distinct item rows uniformly for a step: int64 (size,), increasing."""
        drawn = torch.randperm(n_items, generator=self._generator(epoch, step, 1))[:size]
        return drawn.sort().values.to(self._edges.users.device)

    def _generator(self, *position: int) -> torch.Generator:
        state = np.random.SeedSequence([self._seed, *position]).generate_state(2)
        return torch.Generator().manual_seed(int(state[0]) << 31 ^ int(state[1]))

    def _pairs(self, users: Tensor, edges: Tensor) -> Pairs:
        position = torch.empty(self._edges.n_users, dtype=torch.int64, device=users.device)
        position[users] = torch.arange(len(users), device=users.device)
        return Pairs(position[self._edges.users[edges]], self._edges.items[edges])

    def _weights(self, positives: Pairs, n_users: int) -> Tensor:
        if not self._by_user:
            size = (len(positives.users),)
            return torch.full(size, 1 / max(size[0], 1), device=positives.users.device)
        counts = torch.bincount(positives.users, minlength=n_users)
        asked = int((counts > 0).sum())
        return 1.0 / (counts[positives.users] * max(asked, 1)).float()
