"""Encoders: free embeddings, propagated over the graph.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
SIGIR 2020, eqs. 3 and 4, with equal layer weights 1/(K+1); and a variant with only its first
layer, for users only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bitrecall.training.model.graph import NormalisedGraph
from bitrecall.training.model.sparse_product import propagate
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup


class LightGCN(nn.Module):
    """Free embeddings P, Q and K layers of propagation.

    Args:
        users: float32 (n_users, f), the initial free embeddings of users.
        items: float32 (n_items, f), the initial free embeddings of items.
        layers: K, the number of propagation layers; 0 is plain matrix factorisation.
        group: the processes that train together; each has a part of the users and all items.
    """

    def __init__(
        self, users: Tensor, items: Tensor, layers: int, group: ProcessGroup = SINGLE_PROCESS
    ) -> None:
        super().__init__()
        self.users = nn.Parameter(users.clone())
        self.items = nn.Parameter(items.clone())
        self.layers = layers
        self._group = group

    def layer_outputs(self, graph: NormalisedGraph) -> tuple[list[Tensor], list[Tensor]]:
        """Compute the embeddings after each layer, starting with the free ones.

        Returns:
            K + 1 tensors float32 (n_users, f), and K + 1 tensors float32 (n_items, f).
        """
        users: list[Tensor] = [self.users]
        items: list[Tensor] = [self.items]
        for _ in range(self.layers):
            next_users = propagate(graph.users_to_items, graph.items_to_users, items[-1])
            next_items = self._group.differentiable_sum(
                propagate(graph.items_to_users, graph.users_to_items, users[-1])
            )
            users.append(next_users)
            items.append(next_items)
        return users, items

    def forward(self, graph: NormalisedGraph) -> tuple[Tensor, Tensor]:
        """Average the embeddings over the layers 0 to K.

        Returns:
            float32 (n_users, f) and float32 (n_items, f).
        """
        if self._group.size == 1:
            means: tuple[Tensor, Tensor] = _MeanOfLayers.apply(  # type: ignore[no-untyped-call]
                graph, self.layers, self.users, self.items
            )
            return means
        users, items = self.layer_outputs(graph)
        return self.combine(users), self.combine(items)

    def combine(self, layers: list[Tensor]) -> Tensor:
        """Return the mean of the layers."""
        return mean_of_layers(layers)

    def of_batch(self, graph: NormalisedGraph, users: Tensor) -> tuple[Tensor, Tensor]:
        """Embed the users of a batch and all items.

        Args:
            graph: the graph to propagate over.
            users: int64 (b,) user rows.

        Returns:
            float32 (b, f) and float32 (n_items, f).
        """
        all_users, items = self(graph)
        return all_users[users], items


class _MeanOfLayers(torch.autograd.Function):
    """Multiply users and items by (I + A + … + A^K) / (K + 1), A = [[0, R̂], [R̂ᵀ, 0]].

    This matrix is symmetric, so the backward pass multiplies the gradients by the same matrix and
    needs no layer of the forward pass.
    """

    @staticmethod
    def forward(ctx, graph: NormalisedGraph, layers: int, users: Tensor, items: Tensor):  # type: ignore[no-untyped-def]
        ctx.graph, ctx.layers = graph, layers
        return _mean_of_propagated(graph, layers, users, items)

    @staticmethod
    def backward(ctx, *gradients: Tensor):  # type: ignore[no-untyped-def]
        dense = (gradient.contiguous() for gradient in gradients)
        return None, None, *_mean_of_propagated(ctx.graph, ctx.layers, *dense)


def _mean_of_propagated(
    graph: NormalisedGraph, layers: int, users: Tensor, items: Tensor
) -> tuple[Tensor, Tensor]:
    user_sum, item_sum = users.clone(), items.clone()
    for _ in range(layers):
        users, items = (
            propagate(graph.users_to_items, graph.items_to_users, items),
            propagate(graph.items_to_users, graph.users_to_items, users),
        )
        user_sum += users
        item_sum += items
    return user_sum.div_(layers + 1), item_sum.div_(layers + 1)


class ItemSums(nn.Module):
    """Free embeddings and one layer of propagation, for users only.

    e_u = p_u + Σ_{i∈I_u} q_i / √(deg u · deg i) and e_i = q_i: LightGCN's first layer on the user's
    side. A batch propagates only its own users, so a step costs a fraction of LightGCN's. Except
    for p_u, a user's code is exactly the fold-in of its items.

    Args:
        users: float32 (n_users, f), the initial free embeddings of users.
        items: float32 (n_items, f), the initial free embeddings of items.
    """

    def __init__(self, users: Tensor, items: Tensor) -> None:
        super().__init__()
        self.users = nn.Parameter(users.clone())
        self.items = nn.Parameter(items.clone())

    def layer_outputs(self, graph: NormalisedGraph) -> tuple[list[Tensor], list[Tensor]]:
        """Return both layers of users, float32 (n_users, f), and the only layer of items."""
        summed = propagate(graph.users_to_items, graph.items_to_users, self.items)
        return [self.users, summed], [self.items]

    def combine(self, layers: list[Tensor]) -> Tensor:
        """Return the sum of the layers."""
        return sum_of_layers(layers)

    def of_batch(self, graph: NormalisedGraph, users: Tensor) -> tuple[Tensor, Tensor]:
        """Embed the users of a batch and all items.

        Args:
            graph: the graph to propagate over.
            users: int64 (b,) user rows.

        Returns:
            float32 (b, f) and float32 (n_items, f).
        """
        rows = graph.rows_of(users)
        summed = propagate(rows.users_to_items, rows.items_to_users, self.items)
        return self.users[users] + summed, self.items


def mean_of_layers(layers: list[Tensor]) -> Tensor:
    """Return the mean of K + 1 tensors of one shape: how LightGCN combines its layers."""
    return sum_of_layers(layers) / len(layers)


def sum_of_layers(layers: list[Tensor]) -> Tensor:
    """Return the sum of one or more tensors of one shape."""
    total = layers[0]
    for layer in layers[1:]:
        total = total + layer
    return total
