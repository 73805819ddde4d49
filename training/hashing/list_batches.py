"""Batches that rank what a teacher lists for each user."""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.hashing.batches import Batch, Batches
from bitrecall.training.model.graph import EdgeList
from bitrecall.training.model.losses.pairs import Pairs
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup
from bitrecall.training.teacher.teacher_lists import TeacherLists, TeacherWeights


class ListBatches(Batches):
    """Batches whose positives are a teacher's best unseen items for each user.

    All pairs are in the graph, and none of them is in the ranking, which is how codes are used. A
    teacher that weighs the users' own pairs too has them ranked beside its list.

    Args:
        edges: the training pairs, of this process's users.
        degrees: int64 (m,), pairs of each user, those of other processes included.
        lists: of every user, likewise.
        weights: what each positive weighs; a batch's are divided by their sum.
        size: users a batch, over all processes.
        seed: seeds every draw.
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
        own = group.rows(len(degrees))
        self._items = torch.from_numpy(lists.items)[own].to(device)
        self._listed = torch.from_numpy(weights.listed)[own].to(device)
        self._seen = torch.from_numpy(weights.seen)[own].to(device)
        self._with_pairs = bool(weights.seen.any())
        self._shares = edges.shares_of_users() if self._with_pairs else None

    def batch(self, epoch: int, step: int) -> Batch:
        """The batch of a step; epochs and steps count from 0."""
        users = self._users(epoch, step)
        listed = self._listed[users]
        owners, places = torch.nonzero(listed, as_tuple=True)
        positives = Pairs(owners, self._items[users[owners], places].long())
        weights = listed[owners, places]
        edges = self._edges.edges_of(users)
        own = self._pairs(users, edges)
        excluded: Pairs | None = own
        if self._with_pairs:
            seen = self._seen[users[own.users]]
            if self._shares is not None:
                seen = seen * self._shares[edges]
            weights = torch.cat([weights, seen])
            positives = Pairs(
                torch.cat([positives.users, own.users]), torch.cat([positives.items, own.items])
            )
            excluded = None
        weights = weights / self._group.sum(weights.sum())
        return Batch(users, self._full, positives, excluded, weights)
