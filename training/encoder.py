"""LightGCN encoders: free embeddings, propagated over the graph and averaged over layers.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
SIGIR 2020, eqs. 3 and 4, with equal layer weights 1/(K+1).
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
        return mean_of_layers(users), mean_of_layers(items)


def mean_of_layers(layers: list[Tensor]) -> Tensor:
    """The mean of K + 1 tensors of one shape, which is LightGCN's combination of layers."""
    total = layers[0]
    for layer in layers[1:]:
        total = total + layer
    return total / len(layers)


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
