"""The settings of SASRec."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SASRecSettings:
    """Size and training of the model.

    Attributes:
        dimensions: floats per item and per position.
        dropout: share of inputs, attention weights and activations that training sets to 0.
        blocks: number of transformer blocks.
        heads: attention heads per block.
        length: number of newest items that the model sees.
        batch: windows per step.
        learning_rate: Adam's learning rate, constant.
        epochs: maximum number of epochs.
        validation_steps: validate after the first epoch that ends at least this many steps after
            the last validation.
        patience: stop after this many validations without improvement.
    """

    dimensions: int = 64
    dropout: float = 0.2
    blocks: int = 2
    heads: int = 2
    length: int = 100
    batch: int = 64
    learning_rate: float = 1e-3
    epochs: int = 400
    validation_steps: int = 100
    patience: int = 10
