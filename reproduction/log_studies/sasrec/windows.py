"""Windows of users' histories, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Items = NDArray[np.integer]
"""Item rows, the newest last."""

# Batches whose windows are sorted by length together, so that a batch has little padding.
_SORTED_BATCHES = 16


def training_windows(histories: Sequence[Items], length: int) -> list[Items]:
    """Cut histories into windows of up to ``length + 1`` items.

    A window's items but the first are its targets. Each item of a history but its first is a target
    of one window. Histories of fewer than 2 items have no window.
    """
    return [
        items[max(end - length - 1, 0) : end]
        for items in histories
        for end in range(len(items), 1, -length)
    ]


def batches(
    windows: Sequence[Items], size: int, generator: np.random.Generator
) -> Iterator[list[Items]]:
    """Yield the windows in random batches of windows of similar length."""
    order = generator.permutation(len(windows))
    groups = []
    for start in range(0, len(order), _SORTED_BATCHES * size):
        part = order[start : start + _SORTED_BATCHES * size]
        part = part[np.argsort([len(windows[row]) for row in part], kind="stable")]
        groups += [part[first : first + size] for first in range(0, len(part), size)]
    for number in generator.permutation(len(groups)):
        yield [windows[row] for row in groups[number]]


def padded(rows: Sequence[Items], padding: int) -> tuple[Tensor, Tensor]:
    """Return rows of items as a matrix, padded at the end.

    Returns:
        int64 (b, longest), and int64 (b,), the number of items of each row.
    """
    lengths = torch.tensor([len(row) for row in rows])
    matrix = torch.full((len(rows), max(int(lengths.max()), 1)), padding)
    for number, row in enumerate(rows):
        matrix[number, : len(row)] = torch.from_numpy(row.astype(np.int64))
    return matrix, lengths
