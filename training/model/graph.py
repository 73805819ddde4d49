"""The user-item graph and its symmetric normalisation.

LightGCN (He et al., SIGIR 2020, eq. 3) propagates over the bipartite adjacency normalised on
both sides, Â = D^-1/2 A D^-1/2. For weighted pairs, A contains the weights instead of ones, and D
its row sums. Only the upper right block R̂ (users × items) and its transpose are stored, both as
CSR, because the backward pass of a product with one needs the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bitrecall.training.data.ages import ages_by_user
from bitrecall.training.data.interactions import Interactions
from bitrecall.training.model.sparse_product import csr_matrix
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup


@dataclass(frozen=True)
class NormalisedGraph:
    """R̂ and its transpose on one device, ready for propagation.

    Attributes:
        users_to_items: sparse CSR float32 (n_users, n_items), R̂.
        items_to_users: sparse CSR float32 (n_items, n_users), R̂ᵀ.
    """

    users_to_items: Tensor
    items_to_users: Tensor

    def rows_of(self, users: Tensor) -> NormalisedGraph:
        """Return the graph of some users with all items, with unchanged values.

        Args:
            users: int64 (b,) user rows, in any order.

        Returns:
            A graph with b user rows, in the order of ``users``.
        """
        matrix = self.users_to_items
        bounds = matrix.crow_indices()
        starts = bounds[users]
        counts = bounds[users + 1] - starts
        positions = torch.repeat_interleave(starts - (counts.cumsum(0) - counts), counts)
        positions += torch.arange(len(positions), device=users.device)
        items, values = matrix.col_indices()[positions], matrix.values()[positions]
        places = torch.arange(len(users), device=users.device)
        owners = torch.repeat_interleave(places, counts)
        by_item = torch.argsort(items, stable=True)
        n_items = matrix.shape[1]
        degrees = torch.bincount(items, minlength=n_items)
        return NormalisedGraph(
            csr_matrix(counts, items, values, n_items),
            csr_matrix(degrees, owners[by_item], values[by_item], len(users)),
        )


class EdgeList:
    """The observed pairs, sorted by user and by item, so that a subgraph takes one pass.

    Args:
        users: int (nnz,) user rows.
        items: int (nnz,) item rows; the pairs are unique.
        n_users: number of users in the vocabulary, including those without pairs.
        n_items: number of items in the vocabulary, including those without pairs.
        device: the device of the graphs.
        group: the processes that train together, if these pairs are the part of one process;
            degrees of items are counted over all processes.
        weights: float32 (nnz,), above 0, of the pairs; None weights each 1.
        ages: int32 (nnz,), for each pair the number of the user's later pairs; None if the order is
            unknown.

    Attributes:
        weights: float32 (nnz,) in this list's order, or None.
        ages: int32 (nnz,) in this list's order, or None.
    """

    def __init__(
        self,
        users: NDArray[np.integer],
        items: NDArray[np.integer],
        n_users: int,
        n_items: int,
        device: torch.device | str = "cpu",
        group: ProcessGroup = SINGLE_PROCESS,
        weights: NDArray[np.float32] | None = None,
        ages: NDArray[np.int32] | None = None,
    ) -> None:
        self._group = group
        by_user = np.lexsort((items, users))
        self.n_users = n_users
        self.n_items = n_items
        self.users = torch.from_numpy(users[by_user].astype(np.int64)).to(device)
        self.items = torch.from_numpy(items[by_user].astype(np.int64)).to(device)
        self.weights = None if weights is None else torch.from_numpy(weights[by_user]).to(device)
        self.ages = None if ages is None else torch.from_numpy(ages[by_user]).to(device)
        by_item = np.lexsort((users[by_user], items[by_user]))
        self._by_item = torch.from_numpy(by_item).to(device)
        counts = torch.bincount(self.users, minlength=n_users)
        self.user_starts = torch.zeros(n_users + 1, dtype=torch.int64, device=device)
        self.user_starts[1:] = counts.cumsum(0)

    @classmethod
    def of(cls, pairs: Interactions, device: torch.device | str = "cpu") -> EdgeList:
        """The pairs of a data set, in its rows, weighted relative to their mean weight."""
        weights, ages = pairs.relative_weights(), pairs.ages
        rows = pairs.users, pairs.items
        return cls(*rows, pairs.n_users, pairs.n_items, device, weights=weights, ages=ages)

    def select(self, chosen: NDArray[np.bool_]) -> EdgeList:
        """Return the pairs that a boolean mask (nnz,) selects, over the same users and items.

        Ages are counted among the selected pairs.
        """
        weights = None if self.weights is None else self.weights.cpu().numpy()[chosen]
        users, items = self.users.cpu().numpy()[chosen], self.items.cpu().numpy()[chosen]
        ages = None if self.ages is None else ages_by_user(users, -self.ages.cpu().numpy()[chosen])
        return EdgeList(
            users,
            items,
            self.n_users,
            self.n_items,
            self.users.device,
            self._group,
            weights,
            ages,
        )

    def share_of(self, group: ProcessGroup) -> EdgeList:
        """The pairs of the users of one process, in the rows of that process."""
        if group.size == 1:
            return self
        users, items = self.users.cpu().numpy(), self.items.cpu().numpy()
        is_local = users % group.size == group.rank
        return EdgeList(
            users[is_local] // group.size,
            items[is_local],
            len(group.rows(self.n_users)),
            self.n_items,
            self.users.device,
            group,
            None if self.weights is None else self.weights.cpu().numpy()[is_local],
            None if self.ages is None else self.ages.cpu().numpy()[is_local],
        )

    def __len__(self) -> int:
        return len(self.users)

    def edges_of(self, batch: Tensor) -> Tensor:
        """Return the positions of the edges of some users.

        Args:
            batch: int64 (b,) user rows, in any order.

        Returns:
            int64 (e,), grouped by user in the batch's order.
        """
        starts = self.user_starts[batch]
        counts = self.user_starts[batch + 1] - starts
        offsets = torch.repeat_interleave(starts - (counts.cumsum(0) - counts), counts)
        return offsets + torch.arange(len(offsets), device=offsets.device)

    def degrees(self) -> tuple[Tensor, Tensor]:
        """Pairs per user (m,) and per item (n,), int64; with weights, their sums, float64."""
        rows = ((self.users, self.n_users), (self.items, self.n_items))
        if self.weights is None:
            users, items = (torch.bincount(row, minlength=count) for row, count in rows)
        else:
            users, items = (weight_sums(row, self.weights, count) for row, count in rows)
        return users, items

    def shares_of_users(self) -> Tensor | None:
        """Each pair's weight divided by its user's mean, float32 (nnz,); None without weights."""
        if self.weights is None:
            return None
        sums = weight_sums(self.users, self.weights, self.n_users)
        means = sums / self.user_starts.diff().clamp(min=1)
        return (self.weights / means[self.users]).float()

    def graph(self, kept: Tensor | None = None) -> NormalisedGraph:
        """Build the normalised graph of all edges or of some of them.

        Args:
            kept: bool (nnz,), the edges to keep, in this list's order; None keeps all.

        Returns:
            The graph, normalised by the degrees of the kept edges only.
        """
        users, items, weights = self.users, self.items, self.weights
        by_item = self._by_item
        if kept is not None:
            by_item = by_item[kept[by_item]]
        users_t, items_t = users[by_item], items[by_item]
        weights_t = None if weights is None else weights[by_item]
        if kept is not None:
            users, items = users[kept], items[kept]
            weights = None if weights is None else weights[kept]
        user_degrees = torch.bincount(users, minlength=self.n_users)
        local_degrees = torch.bincount(items, minlength=self.n_items)
        if weights is None or weights_t is None:
            item_degrees = self._group.sum(local_degrees)
            user_scale = user_degrees.clamp(min=1).float().rsqrt()
            item_scale = item_degrees.clamp(min=1).float().rsqrt()
            values = user_scale[users] * item_scale[items]
            values_t = item_scale[items_t] * user_scale[users_t]
        else:
            user_scale = _root_of_inverse(weight_sums(users, weights, self.n_users))
            item_sums = self._group.sum(weight_sums(items, weights, self.n_items))
            item_scale = _root_of_inverse(item_sums)
            values = weights * user_scale[users] * item_scale[items]
            values_t = weights_t * user_scale[users_t] * item_scale[items_t]
        return NormalisedGraph(
            csr_matrix(user_degrees, items, values, self.n_items),
            csr_matrix(local_degrees, users_t, values_t, self.n_users),
        )


def weight_sums(rows: Tensor, weights: Tensor, n_rows: int) -> Tensor:
    """Sum the weights of each row, float64 (n_rows,)."""
    return torch.bincount(rows, weights.double(), minlength=n_rows)


def _root_of_inverse(sums: Tensor) -> Tensor:
    """Inverse square root, float32; 1 for a row without pairs, whose scale is never used."""
    return torch.where(sums > 0, sums, 1).rsqrt().float()
