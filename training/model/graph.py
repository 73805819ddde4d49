"""The user–item graph: its symmetric normalisation and the products along its edges.

LightGCN (He et al., SIGIR 2020, eq. 3) propagates over the bipartite adjacency normalised on
both sides, Â = D^-1/2 A D^-1/2. With weights of pairs A holds these instead of ones, and D the sums
of its rows. Only its upper right block is kept: R̂ (users × items), and its
transpose, each as CSR, since a product with either needs the other in the backward pass.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import embedding_bag

from bitrecall.training.data.interactions import Interactions
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
        """The graph of some users with all items, its values as they are here.

        Args:
            users: int64 (b,) user rows, in any order.

        Returns:
            A graph whose user rows are (b,), in the order of ``users``.
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
            _csr(counts, items, values, n_items),
            _csr(degrees, owners[by_item], values[by_item], len(users)),
        )


class EdgeList:
    """The observed pairs, ordered both ways once, so that a subgraph costs one pass.

    Args:
        users: int (nnz,) user rows.
        items: int (nnz,) item rows; the pairs are unique.
        n_users: users in the vocabulary, those without pairs included.
        n_items: likewise for items.
        device: where graphs are made.
        group: who has the other users, where these are the share of one of several processes;
            items' degrees are counted over all of them.
        weights: float32 (nnz,), above 0, of the pairs; None weighs each 1.

    Attributes:
        weights: float32 (nnz,) in this list's order, or None.
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
    ) -> None:
        self._group = group
        by_user = np.lexsort((items, users))
        self.n_users = n_users
        self.n_items = n_items
        self.users = torch.from_numpy(users[by_user].astype(np.int64)).to(device)
        self.items = torch.from_numpy(items[by_user].astype(np.int64)).to(device)
        self.weights = None if weights is None else torch.from_numpy(weights[by_user]).to(device)
        by_item = np.lexsort((users[by_user], items[by_user]))
        self._by_item = torch.from_numpy(by_item).to(device)
        counts = torch.bincount(self.users, minlength=n_users)
        self.user_starts = torch.zeros(n_users + 1, dtype=torch.int64, device=device)
        self.user_starts[1:] = counts.cumsum(0)

    @classmethod
    def of(cls, pairs: Interactions, device: torch.device | str = "cpu") -> EdgeList:
        """The pairs of a data set, in its rows, weighed relative to their mean weight."""
        weights = pairs.relative_weights()
        return cls(pairs.users, pairs.items, pairs.n_users, pairs.n_items, device, weights=weights)

    def share_of(self, group: ProcessGroup) -> EdgeList:
        """The pairs of one process's users, in its rows of them."""
        if group.size == 1:
            return self
        users, items = self.users.cpu().numpy(), self.items.cpu().numpy()
        own = users % group.size == group.rank
        return EdgeList(
            users[own] // group.size,
            items[own],
            len(group.rows(self.n_users)),
            self.n_items,
            self.users.device,
            group,
            None if self.weights is None else self.weights.cpu().numpy()[own],
        )

    def __len__(self) -> int:
        return len(self.users)

    def edges_of(self, batch: Tensor) -> Tensor:
        """Positions of the edges of some users.

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
        """Pairs of each user (m,) and item (n,), int64; what they weigh, float64, with weights."""
        rows = ((self.users, self.n_users), (self.items, self.n_items))
        if self.weights is None:
            users, items = (torch.bincount(own, minlength=count) for own, count in rows)
        else:
            users, items = (weight_sums(own, self.weights, count) for own, count in rows)
        return users, items

    def shares_of_users(self) -> Tensor | None:
        """Each pair's weight over its user's mean, float32 (nnz,); None without weights."""
        if self.weights is None:
            return None
        sums = weight_sums(self.users, self.weights, self.n_users)
        means = sums / self.user_starts.diff().clamp(min=1)
        return (self.weights / means[self.users]).float()

    def graph(self, kept: Tensor | None = None) -> NormalisedGraph:
        """Normalise the graph of all edges, or of some of them.

        Args:
            kept: bool (nnz,), which edges are in, in this list's order; None is all of them.

        Returns:
            The graph, its degrees counted among the kept edges alone.
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
        own_degrees = torch.bincount(items, minlength=self.n_items)
        if weights is None or weights_t is None:
            item_degrees = self._group.sum(own_degrees)
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
            _csr(user_degrees, items, values, self.n_items),
            _csr(own_degrees, users_t, values_t, self.n_users),
        )


def weight_sums(rows: Tensor, weights: Tensor, n_rows: int) -> Tensor:
    """Sums of weights by row, float64 (n_rows,)."""
    return torch.bincount(rows, weights.double(), minlength=n_rows)


def _root_of_inverse(sums: Tensor) -> Tensor:
    """One over the square root, float32; 1 for a row without pairs, which it never scales."""
    return torch.where(sums > 0, sums, 1).rsqrt().float()


def _csr(row_counts: Tensor, columns: Tensor, values: Tensor, n_columns: int) -> Tensor:
    starts = torch.zeros(len(row_counts) + 1, dtype=torch.int64, device=columns.device)
    starts[1:] = row_counts.cumsum(0)
    with warnings.catch_warnings():
        # torch calls its CSR support beta on first use; the products used here are tested.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            starts, columns, values, size=(len(row_counts), n_columns), check_invariants=False
        )


class _SparseProduct(torch.autograd.Function):
    """``matrix @ dense`` whose backward uses the ready transpose instead of making one."""

    @staticmethod
    def forward(ctx, matrix: Tensor, transpose: Tensor, dense: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        ctx.transpose = transpose
        return _product(matrix, dense)

    @staticmethod
    def backward(ctx, *gradients: Tensor) -> tuple[None, None, Tensor]:  # type: ignore[no-untyped-def]
        return None, None, _product(ctx.transpose, gradients[0].contiguous())


def _product(matrix: Tensor, dense: Tensor) -> Tensor:
    return weighted_sums(matrix.crow_indices(), matrix.col_indices(), matrix.values(), dense)


def weighted_sums(starts: Tensor, columns: Tensor, weights: Tensor, dense: Tensor) -> Tensor:
    """The product of a sparse matrix, given by the parts of its CSR, with a dense one.

    A row of it is a weighted bag of rows, which torch gathers with prefetching on a CPU; its CSR
    product waits for memory.

    Args:
        starts: int64 (p + 1,), where each row begins, and the end.
        columns: int64 (nnz,), rows of ``dense``.
        weights: float32 (nnz,).
        dense: float32 (q, f).

    Returns:
        float32 (p, f).
    """
    return embedding_bag(
        columns,
        dense,
        starts,
        mode="sum",
        per_sample_weights=weights,
        include_last_offset=True,
    )


def propagate(matrix: Tensor, transpose: Tensor, dense: Tensor) -> Tensor:
    """Multiply a constant sparse matrix by a dense one, differentiably in the dense one.

    Args:
        matrix: sparse CSR (p, q).
        transpose: sparse CSR (q, p), its transpose.
        dense: float32 (q, f).

    Returns:
        float32 (p, f).
    """
    product: Tensor = _SparseProduct.apply(matrix, transpose, dense)  # type: ignore[no-untyped-call]
    return product
