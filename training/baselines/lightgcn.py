"""LightGCN in full precision, the reference for codes.

He et al., "LightGCN: Simplifying and Powering Graph Convolution Network for Recommendation",
SIGIR 2020: light graph convolution, the mean of the layers as embedding, the inner product as
score, and the BPR loss with L2 on the free embeddings of a batch's pairs. As published, it has 64
floats per node and three layers.

Differences from the public code, gusye1234/LightGCN-PyTorch:

- Batches are larger (see ``bitrecall.training.baselines.pairwise_method``).
- An epoch uses every pair once. The public code draws users uniformly, and then one item of each,
  so users with few items have less weight here.
- The free embeddings may start from the truncated SVD, which saves most of the steps.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bitrecall.training.baselines.pair_sampler import PairBatch
from bitrecall.training.baselines.pairwise_method import PairwiseTrainer
from bitrecall.training.model.encoder import LightGCN, mean_of_layers
from bitrecall.training.model.method import Embeddings
from bitrecall.training.model.pair_scores import bpr_loss, pair_scores


class FullPrecisionLightGCN(PairwiseTrainer[LightGCN]):
    """LightGCN trained by BPR, ranked by the inner product of its floats."""

    def embeddings(self) -> Embeddings:
        """Return the means of the layers: (m, d) and (n, d), d = ``lightgcn.dimensions``."""
        with torch.no_grad():
            users, items = self.model.layer_outputs(self.graph)
            layers = [layer.detach().clone() for layer in items]
            return Embeddings(
                mean_of_layers(users), mean_of_layers(layers), layers, similarity="inner_product"
            )

    def _create(self, *, start: bool) -> LightGCN:
        users, items = self._first_embeddings(self.recipe.lightgcn.dimensions, start=start)
        return LightGCN(users, items, self.recipe.encoder.layers)

    def _loss(self, batch: PairBatch) -> Tensor:
        users, items = self.model(self.graph)
        scores = pair_scores(users, items, batch.users, batch.items)
        penalty = self._regularisation(self.model.users, self.model.items, batch)
        return bpr_loss(scores, batch.weights) + penalty
