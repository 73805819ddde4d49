"""The model: Kang and McAuley, "Self-Attentive Sequential Recommendation", ICDM 2018.

Causal transformer blocks over a user's newest items, with learned positions. The score of an item
is the inner product of its embedding and the output at the last position. Unlike in the paper,
layers are normalised before each sublayer, and the loss (``fit``) is a softmax over all items
instead of one sampled negative, with which the model is known to overestimate scores (Petrov and
Macdonald, "gSASRec", RecSys 2023).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bitrecall.reproduction.log_studies.sasrec.settings import SASRecSettings

_INITIAL_DEVIATION = 0.02


class SASRec(nn.Module):
    """Embeds histories and scores items.

    Args:
        n_items: number of items. Row ``n_items`` is the padding.
        settings: size and dropout.
    """

    def __init__(self, n_items: int, settings: SASRecSettings) -> None:
        super().__init__()
        size = settings.dimensions
        self.n_items = n_items
        self.length = settings.length
        self.item_table = nn.Embedding(n_items + 1, size, padding_idx=n_items)
        self.position_table = nn.Embedding(settings.length, size)
        for table in (self.item_table, self.position_table):
            nn.init.normal_(table.weight, std=_INITIAL_DEVIATION)
        self.dropout = nn.Dropout(settings.dropout)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                size,
                settings.heads,
                dim_feedforward=size,
                dropout=settings.dropout,
                activation="gelu",
                batch_first=True,
                norm_first=True,
            )
            for _ in range(settings.blocks)
        )
        self.norm = nn.LayerNorm(size)

    def forward(self, items: Tensor, lengths: Tensor) -> Tensor:
        """Embed each position of some histories.

        Args:
            items: int64 (b, l) item rows, the newest last, padded at the end; l is at most
                ``length``.
            lengths: int64 (b,), number of items of each row.

        Returns:
            float32 (b, l, d). A position depends on its item and the older ones only, so padding
            at the end needs no mask.
        """
        # The newest item has the last position in every row.
        places = torch.arange(items.shape[1]) + self.length - lengths[:, None]
        hidden = self.item_table(items) * self.item_table.embedding_dim**0.5
        hidden = hidden + self.position_table(places.clamp(0, self.length - 1))
        hidden = self.dropout(hidden)
        mask = nn.Transformer.generate_square_subsequent_mask(items.shape[1])
        for block in self.blocks:
            hidden = block(hidden, src_mask=mask, is_causal=True)
        result: Tensor = self.norm(hidden)
        return result

    def logits(self, hidden: Tensor) -> Tensor:
        """Score all items, float32 (…, n_items).

        Args:
            hidden: float32 (…, d).
        """
        return hidden @ self.item_table.weight[: self.n_items].T
