"""HashRec: binary codes of free embeddings, without a graph.

W.-C. Kang and J. McAuley, "Candidate Generation with Binary Codes for Large-Scale Top-N
Recommendation", CIKM 2019, the candidate generator that its tables call HashRec: codes sgn(P) and
sgn(Q), relaxed in training to tanh(βP) and tanh(βQ) with β growing; the score of a pair is the
codes' inner product times α = 10 / f; the loss is BPR with L2 on the embeddings of a batch.

What differs from the public code, kang205/CIGAR: there β is √(1 + 10·(epochs done)), which after
its 100 epochs is 31.5; here β² rises just as evenly, from 1 to the square of ``hashrec.steepest``
over whatever number of epochs the recipe has. An epoch takes every pair once, where that code
draws users uniformly. The loss is a mean over pairs and not a sum, which no optimiser of Adam's
kind can tell. Equal distances go to the more popular item and not to a random one, as everywhere
in this project.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bitrecall.training.baselines.pair_sampler import PairBatch
from bitrecall.training.baselines.pairwise_method import PairwiseTrainer
from bitrecall.training.model.encoder import LightGCN
from bitrecall.training.model.method import Embeddings
from bitrecall.training.model.pair_scores import bpr_loss, pair_scores


class HashRec(PairwiseTrainer[LightGCN]):
    """Free embeddings trained through tanh(βx) by BPR, ranked by Hamming distance.

    The encoder is LightGCN's of 0 layers, whatever ``encoder.layers`` says: matrix factorisation.
    """

    def embeddings(self) -> Embeddings:
        """The free embeddings: users (m, f) and items (n, f), f = ``bits``."""
        items = self.model.items.detach().clone()
        return Embeddings(self.model.users.detach().clone(), items, [items])

    def slope(self) -> float:
        """β of this step."""
        return math.sqrt(1 + (self.recipe.hashrec.steepest**2 - 1) * self.progress)

    def _create(self, *, start: bool) -> LightGCN:
        return LightGCN(*self._first_embeddings(self.recipe.bits, start=start), 0)

    def _loss(self, batch: PairBatch) -> Tensor:
        users, items, beta = self.model.users, self.model.items, self.slope()
        scores = pair_scores(
            torch.tanh(beta * users), torch.tanh(beta * items), batch.users, batch.items
        )
        scale = self.recipe.pairwise.span / self.recipe.bits
        return bpr_loss(scores * scale, batch.weights) + self._regularisation(users, items, batch)
