"""BGCH: a code for each layer of a graph convolution, trained by a Fourier series of the sign.

Y. Chen et al., "Bipartite Graph Convolutional Hashing for Effective and Efficient Top-N Search in
Hamming Space", WWW 2023: a share of the leading direction is removed from the free embeddings
(latent feature dispersion). They are propagated as in LightGCN, and hashed after each layer: sgn(v)
times the scaler mean |v|, one per node and layer. The scaled codes of the layers are concatenated,
and the score is their inner product. The derivative of the sign is that of its truncated Fourier
series. The loss is BPR on these scores, a cross-entropy of σ(score of the free embeddings) that
reconstructs the graph, and L2.

``bgch.form`` selects one of two forms:

- ``weighted`` is the published form: ``bits`` for each of the K + 1 layers, and real scalers. For
  256 ``bits`` this makes 768 bits, and six floats for a pair of nodes. Its score is not a Hamming
  distance, so no Hamming index can serve it.
- ``hamming`` uses the same space as our codes: one code of ``bits`` without scalers, the sign of
  the mean of the layers. On validation pairs of a sample of Gowalla it ranked better than splitting
  the bits among the layers.

Differences from the public code, yankai-chen/BGCH:

- There, embeddings pass through a linear layer before the sign. The layer is in a plain list, which
  the optimiser does not see, so it stays a random map. Here there is no such layer.
- There, the leading direction is the sum of two power iterations from random starts, whose signs
  may cancel. Here it is a single one, constant in the backward pass.
- L2 applies to the free embeddings of a batch's pairs, as in LightGCN. The public code applies it
  to all embeddings and codes, divided by the size of the batch.
- Its NDCG, and its selection of the epoch on the test set, are not used.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bitrecall.training.baselines.pair_sampler import PairBatch, generator_at
from bitrecall.training.baselines.pairwise_method import PairwiseTrainer
from bitrecall.training.model.encoder import LightGCN, mean_of_layers
from bitrecall.training.model.graph import NormalisedGraph
from bitrecall.training.model.method import Embeddings
from bitrecall.training.model.pair_scores import bpr_loss, pair_scores, reconstruction_loss
from bitrecall.training.model.signs import fourier_sign, sign
from bitrecall.training.model.sparse_product import propagate

_POWER_ITERATIONS = 2


class BGCH(PairwiseTrainer[LightGCN]):
    """Hashed layers of a graph convolution, in plain Hamming space or with scalers."""

    def embeddings(self) -> Embeddings:
        """Return (m, f) and (n, f), or with scalers (m, (K + 1) f) and (n, (K + 1) f)."""
        with torch.no_grad():
            users, items = self._layers(generator_at(self.recipe.seed))
            if self.recipe.bgch.form == "hamming":
                # Without dispersion, the first layer is the trained parameter itself.
                layers = [layer.detach().clone() for layer in items]
                return Embeddings(mean_of_layers(users), mean_of_layers(items), layers)
            scaled = torch.cat([sign(layer) * scaler(layer) for layer in items], dim=1)
            return Embeddings(
                torch.cat([sign(layer) * scaler(layer) for layer in users], dim=1),
                scaled,
                [scaled],
                similarity="inner_product",
            )

    def _create(self, *, start: bool) -> LightGCN:
        users, items = self._first_embeddings(self.recipe.bits, start=start)
        return LightGCN(users, items, self.recipe.encoder.layers)

    def _layers(self, generator: torch.Generator) -> tuple[list[Tensor], list[Tensor]]:
        share = self.recipe.bgch.dispersion
        users = dispersed(self.model.users, share, generator)
        items = dispersed(self.model.items, share, generator)
        return propagated(self.graph, users, items, self.recipe.encoder.layers)

    def _hashed(self, layers: list[Tensor]) -> Tensor:
        if self.recipe.bgch.form == "hamming":
            return self._sign(mean_of_layers(layers))
        # As in the public code, the scaler has no gradient.
        codes = [(self._sign(layer), scaler(layer)) for layer in layers]
        return torch.cat([code + (code * (size - 1)).detach() for code, size in codes], dim=1)

    def _sign(self, values: Tensor) -> Tensor:
        section = self.recipe.bgch
        terms, half_period = section.harmonics // 2, math.pi / section.width
        return fourier_sign(values, terms=terms, half_period=half_period, bound=1.0)

    def _loss(self, batch: PairBatch) -> Tensor:
        users, items = self._layers(generator_at(self.recipe.seed, self.epoch, self.step, 1))
        scores = pair_scores(self._hashed(users), self._hashed(items), batch.users, batch.items)
        if self.recipe.bgch.form == "hamming":
            scores = scores * (self.recipe.pairwise.span / self.recipe.bits)
        free = self.model.users, self.model.items
        loss = bpr_loss(scores, batch.weights) + self._regularisation(*free, batch)
        if self.recipe.bgch.reconstruction:
            linked = reconstruction_loss(
                pair_scores(*free, batch.users, batch.items), batch.weights
            )
            loss = loss + self.recipe.bgch.reconstruction * linked
        return loss


def scaler(layer: Tensor) -> Tensor:
    """Return the mean magnitude of each row, float (n, 1)."""
    return layer.abs().mean(dim=1, keepdim=True)


def dispersed(embeddings: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Remove a share of the leading direction from each row: X − η·X v vᵀ.

    v is the leading right singular vector, by two power iterations from a random start. It is
    constant in the backward pass.

    Args:
        embeddings: float32 (n, f).
        share: η, between 0 and 1.
        generator: generator of the start.
    """
    if not share:
        return embeddings
    fixed = embeddings.detach()
    direction = torch.randn(fixed.shape[1], generator=generator).to(fixed.device)
    for _ in range(_POWER_ITERATIONS):
        direction = fixed.T @ (fixed @ direction)
        direction = direction / direction.norm().clamp(min=1e-30)
    return embeddings - share * (embeddings @ direction)[:, None] * direction


def propagated(
    graph: NormalisedGraph, users: Tensor, items: Tensor, layers: int
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the embeddings after layers 0..K: K + 1 tensors (m, f), and K + 1 tensors (n, f)."""
    of_users, of_items = [users], [items]
    for _ in range(layers):
        users, items = (
            propagate(graph.users_to_items, graph.items_to_users, items),
            propagate(graph.items_to_users, graph.users_to_items, users),
        )
        of_users.append(users)
        of_items.append(items)
    return of_users, of_items
