"""Batches that rank what a teacher lists for each user."""

from __future__ import annotations

import torch

from training.batches import Batch, Batches
from training.graph import EdgeList
from training.losses.pairs import Pairs
from training.teacher.lists import TeacherLists, TeacherWeights


class ListBatches(Batches):
    """Batches whose positives are a teacher's best unseen items for each user.

    All pairs are in the graph, and none of them is in the ranking, which is how codes are used. A
    teacher that weighs the users' own pairs too has them ranked beside its list.

    Args:
        edges: the training pairs.
        lists: of every user.
        weights: what each positive weighs; a batch's are divided by their sum.
        size: users a batch.
        seed: seeds every draw.
    """

    def __init__(
        self,
        edges: EdgeList,
        lists: TeacherLists,
        weights: TeacherWeights,
        *,
        size: int,
        seed: int,
    ) -> None:
        super().__init__(edges, size=size, seed=seed)
        device = edges.users.device
        self._items = torch.from_numpy(lists.items).to(device)
        self._listed = torch.from_numpy(weights.listed).to(device)
        self._seen = torch.from_numpy(weights.seen).to(device)

    def batch(self, epoch: int, step: int) -> Batch:
        """The batch of a step; epochs and steps count from 0."""
        users = self._users(epoch, step)
        listed = self._listed[users]
        owners, places = torch.nonzero(listed, as_tuple=True)
        positives = Pairs(owners, self._items[users[owners], places].long())
        weights = listed[owners, places]
        own = self._pairs(users, self._edges.edges_of(users))
        excluded: Pairs | None = own
        if bool(self._seen.any()):
            weights = torch.cat([weights, self._seen[users[own.users]]])
            positives = Pairs(
                torch.cat([positives.users, own.users]), torch.cat([positives.items, own.items])
            )
            excluded = None
        return Batch(users, self._full, positives, excluded, weights / weights.sum())
