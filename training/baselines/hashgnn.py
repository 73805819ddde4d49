"""HashGNN: codes from a graph encoder, straight-through, guided by the real values.

Q. Tan et al., "Learning to Hash with Graph Neural Networks for Recommender Systems", WWW 2020: a
graph neural network embeds a node from itself and the mean of its neighbours. A dense layer with
tanh maps the result to z, and the sign of z is the code h. In training each node randomly uses h or
z: ẑ = Q·h + (1 − Q)·z, Q ~ Bernoulli(p), with a straight-through gradient of the sign. p rises to
1, so that the real-valued problem guides the discrete one, which remains at the end. The loss is a
ranking loss on an item and a drawn item, plus a weighted cross-entropy that reconstructs the
observed links.

From the public code, qiaoyu-tan/HashGNN: the mean aggregator on the concatenation of a node and its
neighbours, with separate weights for users and items; leaky ReLU; BPR as the ranking loss, where
the paper has a hinge loss; and the weight 0.1 of the cross-entropy.

Differences from the public code:

- All neighbours are averaged, because one propagation embeds all nodes at once. The public code
  samples 10 and 5.
- For the same reason Q is drawn once per node and step. The public code draws it for a pair, and
  again for each of its negatives.
- Users have as many layers as items.
- Scores are scaled to a common span (``pairwise.span``), because σ of a raw score of 256 bits
  saturates, unlike with the 32 bits of the public code.
- Codes have 256 bits.
- p rises linearly, because the schedule of the public code is not in its repository.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from bitrecall.training.baselines.pair_sampler import PairBatch, generator_at
from bitrecall.training.baselines.pairwise_method import PairwiseTrainer
from bitrecall.training.model.graph import NormalisedGraph
from bitrecall.training.model.method import Embeddings
from bitrecall.training.model.pair_scores import bpr_loss, pair_scores, reconstruction_loss
from bitrecall.training.model.signs import straight_through_sign
from bitrecall.training.model.sparse_product import propagate

_LEAK = 0.2


class GraphEncoder(nn.Module):
    """Free embeddings, K mean aggregators, and the hash layer.

    Args:
        users: float32 (m, d), initial free embeddings of users.
        items: float32 (n, d), initial free embeddings of items.
        layers: K, number of aggregations of neighbours.
        bits: f, length of a code.
        generator: generator of the initial weights (Glorot and Bengio, 2010).
    """

    def __init__(
        self, users: Tensor, items: Tensor, layers: int, bits: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        size = users.shape[1]
        self.users = nn.Parameter(users.clone())
        self.items = nn.Parameter(items.clone())
        self.user_weights = nn.ParameterList(
            _glorot(2 * size, size, generator) for _ in range(layers)
        )
        self.item_weights = nn.ParameterList(
            _glorot(2 * size, size, generator) for _ in range(layers)
        )
        self.user_hash = _glorot(size, bits, generator)
        self.item_hash = _glorot(size, bits, generator)
        self.user_bias = nn.Parameter(torch.zeros(bits))
        self.item_bias = nn.Parameter(torch.zeros(bits))

    def forward(self, means: NeighbourMeans) -> tuple[Tensor, Tensor]:
        """Return the real values z of users (m, f) and items (n, f), between −1 and 1."""
        users: Tensor = self.users
        items: Tensor = self.items
        for for_users, for_items in zip(self.user_weights, self.item_weights, strict=True):
            of_users, of_items = means.of_users(items), means.of_items(users)
            users, items = (
                leaky_relu(torch.cat([users, of_users], dim=1) @ for_users, _LEAK),
                leaky_relu(torch.cat([items, of_items], dim=1) @ for_items, _LEAK),
            )
        return (
            torch.tanh(users @ self.user_hash + self.user_bias),
            torch.tanh(items @ self.item_hash + self.item_bias),
        )


class NeighbourMeans:
    """Means over neighbours, D^-1 A, as D^-1/2 R̂ D^1/2 of the normalised graph.

    Args:
        graph: R̂ and its transpose.
        user_degrees: (m,), number of pairs of each user, or their total weight.
        item_degrees: (n,), likewise.
    """

    def __init__(self, graph: NormalisedGraph, user_degrees: Tensor, item_degrees: Tensor) -> None:
        self._graph = graph
        self._users = torch.where(user_degrees > 0, user_degrees, 1).float().sqrt()[:, None]
        self._items = torch.where(item_degrees > 0, item_degrees, 1).float().sqrt()[:, None]

    def of_users(self, items: Tensor) -> Tensor:
        """Return the mean of each user's items, float32 (m, d); 0 for a user without items."""
        graph = self._graph
        total = propagate(graph.users_to_items, graph.items_to_users, items * self._items)
        return total / self._users

    def of_items(self, users: Tensor) -> Tensor:
        """Return the mean of each item's users, float32 (n, d); 0 for an item without users."""
        graph = self._graph
        total = propagate(graph.items_to_users, graph.users_to_items, users * self._users)
        return total / self._items


class HashGNN(PairwiseTrainer[GraphEncoder]):
    """A graph encoder and a hash layer, trained with guided straight-through gradients."""

    def embeddings(self) -> Embeddings:
        """Return the real values of users (m, f) and items (n, f); their signs are the codes."""
        with torch.no_grad():
            users, items = self.model(self._means)
            return Embeddings(users, items, [items])

    def share_of_codes(self) -> float:
        """Return p: the share of nodes that use their code in this step, from 0 to 1."""
        guided = self.recipe.hashgnn.guided
        return min(self.progress / guided, 1.0) if guided else 1.0

    def _create(self, *, start: bool) -> GraphEncoder:
        edges = self._edges
        self._means = NeighbourMeans(
            self.graph,
            *edges.degrees(),
        )
        users, items = self._first_embeddings(self.recipe.hashgnn.dimensions, start=start)
        generator = generator_at(self.recipe.seed)
        return GraphEncoder(users, items, self.recipe.encoder.layers, self.recipe.bits, generator)

    def _loss(self, batch: PairBatch) -> Tensor:
        users, items = self.model(self._means)
        shown = torch.rand(
            len(users) + len(items),
            1,
            generator=generator_at(self.recipe.seed, self.epoch, self.step, 1),
        ).to(users.device)
        is_code = shown < self.share_of_codes()
        shown_users = torch.where(is_code[: len(users)], straight_through_sign(users), users)
        shown_items = torch.where(is_code[len(users) :], straight_through_sign(items), items)
        scores = pair_scores(shown_users, shown_items, batch.users, batch.items)
        scores = scores * (self.recipe.pairwise.span / self.recipe.bits)
        loss = bpr_loss(scores, batch.weights)
        if self.recipe.hashgnn.cross_entropy:
            linked = reconstruction_loss(scores, batch.weights)
            loss = loss + self.recipe.hashgnn.cross_entropy * linked
        return loss + self._regularisation(self.model.users, self.model.items, batch)


def _glorot(inputs: int, outputs: int, generator: torch.Generator) -> nn.Parameter:
    weights = torch.empty(inputs, outputs)
    nn.init.xavier_uniform_(weights, generator=generator)
    return nn.Parameter(weights)
