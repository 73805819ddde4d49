"""Batches that rank the items of a teacher's lists."""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.hashing.batches import Batch, Batches
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.losses.pairs import Pairs
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup
from bitrecall.training.teacher.teacher_lists import TeacherLists, TeacherWeights


class ListBatches(Batches):
    """Batches whose positives are a teacher's best unseen items of each user.

    All training pairs are in the graph and left out of the ranking, as when codes are used. If the
    weights of training pairs are above 0, these pairs are ranked together with the list.

    Args:
        edges: the training pairs of this process's users.
        degrees: int64 (m,), number of pairs of each user of all processes.
        lists: the teacher's lists of all users.
        weights: weights of the positives; those of a batch are divided by their sum.
        size: number of users per batch, over all processes.
        seed: seed of all random draws.
        group: the processes.
    """

    def __init__(
        self,
        edges: EdgeList,
        degrees: Tensor,
        lists: TeacherLists,
        weights: TeacherWeights,
        *,
        size: int,
        seed: int,
        group: ProcessGroup = SINGLE_PROCESS,
    ) -> None:
        super().__init__(edges, degrees, size=size, seed=seed, group=group)
        device = edges.users.device
        local = group.rows(len(degrees))
        self._items = torch.from_numpy(lists.items)[local].to(device)
        self._listed = torch.from_numpy(weights.listed)[local].to(device)
        self._seen = torch.from_numpy(weights.seen)[local].to(device)
        self._with_pairs = bool(weights.seen.any())
        self._shares = edges.shares_of_users() if self._with_pairs else None

    def batch(self, epoch: int, step: int) -> Batch:
        """Return the batch of a step; epochs and steps count from 0."""
        users = self._users(epoch, step)
        listed = self._listed[users]
        owners, places = torch.nonzero(listed, as_tuple=True)
        positives = Pairs(owners, self._items[users[owners], places].long())
        weights = listed[owners, places]
        edges = self._edges.edges_of(users)
        pairs = self._pairs(users, edges)
        excluded: Pairs | None = pairs
        if self._with_pairs:
            seen = self._seen[users[pairs.users]]
            if self._shares is not None:
                seen = seen * self._shares[edges]
            weights = torch.cat([weights, seen])
            positives = Pairs(
                torch.cat([positives.users, pairs.users]),
                torch.cat([positives.items, pairs.items]),
            )
            excluded = None
        weights = weights / self._group.sum(weights.sum())
        return Batch(users, self._full, positives, excluded, weights)
