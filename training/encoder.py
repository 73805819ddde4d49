"""Encoders: free embeddings, propagated over the graph.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
SIGIR 2020, eqs. 3 and 4, with equal layer weights 1/(K+1); and sums of items for users alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.graph import NormalisedGraph, propagate


class LightGCN(nn.Module):
    """Free embeddings P, Q and K layers of propagation.

    Args:
        users: float32 (n_users, f), the initial free embeddings of users.
        items: float32 (n_items, f), those of items.
        layers: K, how many times embeddings are propagated; 0 is plain matrix factorisation.
    """

    def __init__(self, users: Tensor, items: Tensor, layers: int) -> None:
        super().__init__()
        self.users = nn.Parameter(users.clone())
        self.items = nn.Parameter(items.clone())
        self.layers = layers

    def layer_outputs(self, graph: NormalisedGraph) -> tuple[list[Tensor], list[Tensor]]:
        """Embeddings after each layer, the free ones first.

        Returns:
            K + 1 tensors float32 (n_users, f), and K + 1 tensors float32 (n_items, f).
        """
        users: list[Tensor] = [self.users]
        items: list[Tensor] = [self.items]
        for _ in range(self.layers):
            next_users = propagate(graph.users_to_items, graph.items_to_users, items[-1])
            next_items = propagate(graph.items_to_users, graph.users_to_items, users[-1])
            users.append(next_users)
            items.append(next_items)
        return users, items

    def forward(self, graph: NormalisedGraph) -> tuple[Tensor, Tensor]:
        """Embeddings averaged over the layers 0..K.

        Returns:
            float32 (n_users, f) and float32 (n_items, f).
        """
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


class ItemSums(nn.Module):
    """Free embeddings of items, of users if wanted, and one layer of propagation for users alone.

    e_u = Σ_{i∈I_u} q_i / √(deg u · deg i) and e_i = q_i: LightGCN's first layer on the user's side,
    and the user of FISM (Kabbur et al., KDD 2013). What is trained then is what folding in makes.
    With embeddings of users it is p_u + e_u, as in SVD++ (Koren, KDD 2008). A batch propagates its
    own users only, so a step costs a fraction of LightGCN's.

    Args:
        users: float32 (n_users, f), the initial free embeddings of users; None for none.
        items: float32 (n_items, f), those of items.
    """

    users: nn.Parameter | None

    def __init__(self, users: Tensor | None, items: Tensor) -> None:
        super().__init__()
        own = None if users is None else nn.Parameter(users.clone())
        self.register_parameter("users", own)
        self.items = nn.Parameter(items.clone())

    def layer_outputs(self, graph: NormalisedGraph) -> tuple[list[Tensor], list[Tensor]]:
        """The users' layers, the free one first where there is one, and the items' one."""
        summed = propagate(graph.users_to_items, graph.items_to_users, self.items)
        return [summed] if self.users is None else [self.users, summed], [self.items]

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
        return summed if self.users is None else self.users[users] + summed, self.items


def mean_of_layers(layers: list[Tensor]) -> Tensor:
    """The mean of K + 1 tensors of one shape, which is LightGCN's combination of layers."""
    return sum_of_layers(layers) / len(layers)


def sum_of_layers(layers: list[Tensor]) -> Tensor:
    """The sum of at least one tensor of one shape."""
    total = layers[0]
    for layer in layers[1:]:
        total = total + layer
    return total


def unit_magnitude(embeddings: Tensor) -> Tensor:
    """Divide each row by its mean magnitude, so that one slope of the surrogate fits all rows.

    The sign does not change; only where the surrogate gradient is steep does.

    Args:
        embeddings: float (n, f).

    Returns:
        The same shape, mean |x| of 1 in each row; rows of zeros stay zeros.
    """
    magnitude = embeddings.abs().mean(dim=1, keepdim=True)
    return embeddings / torch.clamp(magnitude, min=1e-12)
