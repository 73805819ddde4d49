"""Encoders: free embeddings, propagated over the graph.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
SIGIR 2020, eqs. 3 and 4, with equal layer weights 1/(K+1); and its first layer for users alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bitrecall.training.model.graph import NormalisedGraph, propagate
from bitrecall.training.runtime.process_group import SINGLE_PROCESS, ProcessGroup


class LightGCN(nn.Module):
    """Free embeddings P, Q and K layers of propagation.

    Args:
        users: float32 (n_users, f), the initial free embeddings of users.
        items: float32 (n_items, f), those of items.
        layers: K, how many times embeddings are propagated; 0 is plain matrix factorisation.
        group: the processes, of which each has its own users and all items.
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
        """Embeddings after each layer, the free ones first.

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
        """Embeddings averaged over the layers 0..K.

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
        """The mean of the layers."""
        return mean_of_layers(layers)

    def of_batch(self, graph: NormalisedGraph, users: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings of some users, and of all items.

        Args:
            graph: what to propagate over.
            users: int64 (b,) user rows.

        Returns:
            float32 (b, f) and float32 (n_items, f).
        """
        all_users, items = self(graph)
        return all_users[users], items


class _MeanOfLayers(torch.autograd.Function):
    """(I + A + … + A^K) / (K + 1), A being R̂ and R̂ᵀ off the diagonal, of users and items at once.

    It is symmetric, so that its gradient is itself, of the gradients: no layer has to be kept.
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
    """Free embeddings, and one layer of propagation for users alone.

    e_u = p_u + Σ_{i∈I_u} q_i / √(deg u · deg i) and e_i = q_i: LightGCN's first layer on the user's
    side. A batch propagates its own users only, so a step costs a fraction of LightGCN's, and a
    user's code is, up to its own p_u, exactly what folding in its items gives.

    Args:
        users: float32 (n_users, f), the initial free embeddings of users.
        items: float32 (n_items, f), those of items.
    """

    def __init__(self, users: Tensor, items: Tensor) -> None:
        super().__init__()
        self.users = nn.Parameter(users.clone())
        self.items = nn.Parameter(items.clone())

    def layer_outputs(self, graph: NormalisedGraph) -> tuple[list[Tensor], list[Tensor]]:
        """The users' two layers, float32 (n_users, f) each, and the items' one."""
        summed = propagate(graph.users_to_items, graph.items_to_users, self.items)
        return [self.users, summed], [self.items]

    def combine(self, layers: list[Tensor]) -> Tensor:
        """The sum of the layers."""
        return sum_of_layers(layers)

    def of_batch(self, graph: NormalisedGraph, users: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings of some users, and of all items.

        Args:
            graph: what to propagate over.
            users: int64 (b,) user rows.

        Returns:
            float32 (b, f) and float32 (n_items, f).
        """
        rows = graph.rows_of(users)
        summed = propagate(rows.users_to_items, rows.items_to_users, self.items)
        return self.users[users] + summed, self.items


def mean_of_layers(layers: list[Tensor]) -> Tensor:
    """The mean of K + 1 tensors of one shape, which is LightGCN's combination of layers."""
    return sum_of_layers(layers) / len(layers)


def sum_of_layers(layers: list[Tensor]) -> Tensor:
    """The sum of at least one tensor of one shape."""
    total = layers[0]
    for layer in layers[1:]:
        total = total + layer
    return total
