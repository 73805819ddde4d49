"""HashRec: binary codes of free embeddings, without a graph.

W.-C. Kang and J. McAuley, "Candidate Generation with Binary Codes for Large-Scale Top-N
Recommendation", CIKM 2019, the candidate generator called HashRec in its tables: codes sgn(P) and
sgn(Q), relaxed in training to tanh(βP) and tanh(βQ) with growing β. The score of a pair is the
inner product of the codes times α = 10 / f. The loss is BPR with L2 on the embeddings of a batch.

Differences from the public code, kang205/CIGAR:

- There, β is √(1 + 10·(completed epochs)), which is 31.5 after its 100 epochs. Here, β² also rises
  linearly, from 1 to the square of ``hashrec.steepest`` over the epochs of the recipe.
- An epoch uses every pair once. The public code draws users uniformly.
- The loss is a mean over pairs instead of a sum, which makes no difference for Adam.
- At equal distance the more popular item comes first, as in all of this project, not a random one.
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

    The encoder is LightGCN with 0 layers, which is matrix factorisation; ``encoder.layers`` is
    ignored.
    """

    def embeddings(self) -> Embeddings:
        """Return the free embeddings of users (m, f) and items (n, f), f = ``bits``."""
        items = self.model.items.detach().clone()
        return Embeddings(self.model.users.detach().clone(), items, [items])

    def slope(self) -> float:
        """Return β of this step."""
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
